// error[E0414] 5:23
data row { y : real }
plate a(2)
plate b(3)
param p[a, b] : real, symmetric
observe y[row] ~ Gaussian(sum(p over a, b), var = 1)
