// error[E0302] 3:14
data row { y : real }
data other { y : real }
observe y[row] ~ Gaussian(0, var = 1)
