// error[E0417] 3:17
data row { y : real }
latent h[row] : binary
observe y[row] ~ Gaussian(h, var = 1)
