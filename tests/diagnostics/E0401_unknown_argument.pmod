// error[E0401] 3:30
data row { y : real }
observe y[row] ~ Gaussian(0, sigma = 1)
