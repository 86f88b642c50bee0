// warning[W0501] 4:9
data row { y : real }
latent  a ~ Gaussian(0, var = 1)
latent  b ~ Gaussian(0, var = 1)
observe y[row] ~ Gaussian(a, var = 1)
