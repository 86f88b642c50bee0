// error[E0312] 4:9
data row { y : real }
param mu : real
observe mu ~ Gaussian(0, var = 1)
observe y[row] ~ Gaussian(mu, var = 1)
