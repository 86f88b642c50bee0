// error[?]
data row { y : real }
param   a : real
observe y[row] ~ Laplace(a, scale = 1)
