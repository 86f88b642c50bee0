// error[E0311] 3:8
data step ordered { y : real }
latent level[step] ~ Gaussian(level, var = 1)
observe y[step] ~ Gaussian(level, var = 1)
