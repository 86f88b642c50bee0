// error[E0302] 4:8
data row { y : real }
param mu : real
latent mu ~ Gaussian(0, var = 1)
observe y[row] ~ Gaussian(mu, var = 1)
