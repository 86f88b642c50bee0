// error[E0317] 4:9
data row { y : real }
observe y[row] ~ Gaussian(0, var = 1)
observe y[row] ~ Gaussian(1, var = 1)
