// error[E0412] 4:34
data step ordered { y : real }
param a : real
observe y[step] ~ Gaussian(a * y[step-1], var = 1)
