// error[E0501] 4:31
data row { y : positive }
latent  a ~ Gamma(1, rate = 1)
observe y[row] ~ InverseGamma(a, scale = 1)
