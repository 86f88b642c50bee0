// error[E0413] 4:53
data row { y : real }
latent z[row] ~ Bernoulli(0.5)
observe y[row] ~ case z { 0: Gaussian(0, var = 1)   0: Gaussian(1, var = 1) }
