// error[E0501] 4:27
data row { y : real   x : positive }
param   k : real
observe y[row] ~ Gaussian(x ^ k, var = 1)
