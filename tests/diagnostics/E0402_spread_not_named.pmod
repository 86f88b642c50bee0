// error[E0402] 3:30
data row { y : real }
observe y[row] ~ Gaussian(0, 1)
