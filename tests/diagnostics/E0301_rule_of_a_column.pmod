// error[E0301] 6:15
// error[E0301] 6:18
data row { y : real }
latent mu ~ Gaussian(0, var = 1)
observe y[row] ~ Gaussian(mu, var = 1)
infer { order y, nu }
