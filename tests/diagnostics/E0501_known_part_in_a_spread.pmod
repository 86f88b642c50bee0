// error[E0501] 4:36
data row { y : real   x : positive }
param   a : positive
observe y[row] ~ Gaussian(0, var = 1 + a * x)
