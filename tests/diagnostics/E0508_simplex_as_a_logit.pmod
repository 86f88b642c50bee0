// error[E0508] 4:9
data row { y : binary }
plate side { a, b }
param   p : simplex over side
observe y[row] ~ Bernoulli(logit = sum(p over side))
