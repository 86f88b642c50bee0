// error[E0408] 3:21
data row { side : label }
observe side[row] ~ Gaussian(0, var = 1)
