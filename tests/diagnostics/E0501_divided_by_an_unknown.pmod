// error[E0501] 4:27
data row { y : real   x : real }
param   k : positive
observe y[row] ~ Gaussian(x / k, var = 1)
