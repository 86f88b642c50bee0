// error[E0508] 6:18
data row { y : real   x : real }
param   a : real
param   b : real
param   s : positive
observe y[row] ~ StudentT(4, a + b * x, scale = s)
