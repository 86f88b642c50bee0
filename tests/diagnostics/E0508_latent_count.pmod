// error[E0508] 3:18
data row { y : real }
latent  n[row] ~ Poisson(3)
observe y[row] ~ Gaussian(n, var = 1)
