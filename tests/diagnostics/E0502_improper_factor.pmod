// error[E0502] 4:9
// data: y | 0 | 0 | 0
data row { y : real }
latent  v ~ Gamma(1, rate = 1)
observe y[row] ~ Gaussian(0, var = v)
