// error[E0310] 4:34
data step { y : real }
param a : real
observe y[step] ~ Gaussian(a * y[step-1], var = 1) first Gaussian(0, var = 1)
