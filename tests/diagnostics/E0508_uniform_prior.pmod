// error[E0508] 3:13
data row { y : real }
latent  m ~ Uniform(0, 1)
observe y[row] ~ Gaussian(m, var = 1)
