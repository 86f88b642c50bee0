// error[E0302] 2:7
plate binary(2)
data toss { heads : binary }
observe heads[toss] ~ Bernoulli(0.5)
