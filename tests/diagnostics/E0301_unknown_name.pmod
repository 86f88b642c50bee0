// error[E0301] 4:33
data toss { heads : binary }
latent bias ~ Beta(1, 1)
observe heads[toss] ~ Bernoulli(bais)
