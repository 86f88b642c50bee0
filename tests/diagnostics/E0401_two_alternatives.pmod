// error[E0401] 3:39
data row { y : real }
observe y[row] ~ Gaussian(0, var = 1, sd = 1)
