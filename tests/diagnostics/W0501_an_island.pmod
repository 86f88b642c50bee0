// warning[W0501] 4:9
// warning[W0501] 5:9
data row { y : real }
latent  t ~ Gamma(1, rate = 1)
latent  m ~ Gaussian(0, precision = t)
latent  a ~ Gaussian(0, var = 1)
observe y[row] ~ Gaussian(a, var = 1)
