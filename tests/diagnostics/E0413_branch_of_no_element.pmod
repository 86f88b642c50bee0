// error[E0413] 4:79
data row { y : real }
latent z[row] ~ Bernoulli(0.5)
observe y[row] ~ case z { 0: Gaussian(0, var = 1)   1: Gaussian(1, var = 1)   2: Gaussian(2, var = 1) }
