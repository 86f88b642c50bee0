// error[E0501] 5:36
data row { y : real }
latent  v1 ~ InverseGamma(2, scale = 1)
latent  v2 ~ InverseGamma(2, scale = 1)
observe y[row] ~ Gaussian(0, var = v1 + v2)
