// error[E0501] 3:9
data row { y : real }
latent  m ~ Gaussian(0, var = 1)
observe y[row] ~ Gaussian(m ^ 2, var = 1)
