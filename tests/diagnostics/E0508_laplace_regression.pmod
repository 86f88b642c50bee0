// error[E0508] 5:26
data row { y : real   x : real }
param   a : real
param   b : real
observe y[row] ~ Laplace(a + b * x, scale = 1)
