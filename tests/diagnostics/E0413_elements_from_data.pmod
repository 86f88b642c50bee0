// error[E0413] 3:23
data row { side : label   y : real }
observe y[row] ~ case side { left: Gaussian(0, var = 1)   right: Gaussian(1, var = 1) }
