// error[E0501] 3:9
data row { y : real }
latent  t ~ Gamma(2, rate = 1)
observe y[row] ~ Gaussian(t, precision = t)
