// error[E0311] 3:8
data row { y : real }
latent a ~ Gaussian(b, var = 1)
latent b ~ Gaussian(a, var = 1)
observe y[row] ~ Gaussian(a, var = 1)
