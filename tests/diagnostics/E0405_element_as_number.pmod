// error[E0405] 3:27
data row { side : label   y : real }
observe y[row] ~ Gaussian(side, var = 1)
