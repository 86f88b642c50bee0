// error[E0508] 3:9
data row { y : real }
param   a : real
observe y[row] ~ Laplace(a, scale = 1)
