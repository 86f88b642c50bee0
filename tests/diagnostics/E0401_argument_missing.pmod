// error[E0401] 3:18
data row { y : real }
observe y[row] ~ Gaussian(0)
