// error[E0501] 4:35
data row { y : real }
latent  v ~ InverseGamma(2, scale = 1)
observe y[row] ~ Gaussian(0, sd = sqrt(sqrt(v)))
