// error[E0307] 4:21
data row { x : real   y : real }
param w : real
latent a ~ Gaussian(x, var = 1)
observe y[row] ~ Gaussian(w + a, var = 1)
