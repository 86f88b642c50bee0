// error[E0508] 4:9
// error[E0508] 5:9
data row { n : count   x : real }
latent  w ~ Gaussian(0, var = 1)
latent  b ~ Gaussian(0, var = 1)
observe n[row] ~ Poisson(log = w * x + b)
