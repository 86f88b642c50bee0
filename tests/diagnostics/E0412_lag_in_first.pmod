// error[E0412] 4:69
data step ordered { y : real }
param a : real
observe y[step] ~ Gaussian(a * y[step-1], var = 1) first Gaussian(y[step-2], var = 2)
