// error[E0403] 4:28
data toss { heads : binary }
plate coin(2)
latent p ~ Beta(1, 1) over coin
observe heads[toss] ~ Bernoulli(0.5)
