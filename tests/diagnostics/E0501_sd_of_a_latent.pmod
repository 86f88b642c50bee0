// error[E0501] 3:9
data row { y : real }
latent  s ~ Gamma(2, rate = 1)
observe y[row] ~ Gaussian(0, sd = s)
