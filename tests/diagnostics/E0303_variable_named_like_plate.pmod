// error[E0303] 4:7
data row { y : real }
plate group(2)
param group : real
observe y[row] ~ Gaussian(group, var = 1)
