// error[E0501] 3:9
data row { y : real   won : binary }
latent  p ~ Beta(1, 1)
observe won[row] ~ Bernoulli(p)
observe y[row] ~ Gaussian(p, var = 1)
