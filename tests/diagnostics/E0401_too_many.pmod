// error[E0401] 3:38
data toss { heads : binary }
observe heads[toss] ~ Bernoulli(0.5, 2)
