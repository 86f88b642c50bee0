// error[?]
data row { y : real }
latent  m ~ Gaussian(0, var = 1)
observe y[row] ~ Gaussian(m ^ 2, var = 1)
