// error[E0407] 4:36
data row { y : real }
param s2 : real
observe y[row] ~ Gaussian(0, var = s2)
