// error[E0508] 3:9
data row { y : binary   x[feature] : real = rest }
param   w[feature] : real, unit norm over feature
observe y[row] ~ Bernoulli(logit = sum(w * x over feature))
