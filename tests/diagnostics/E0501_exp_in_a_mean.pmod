// error[E0501] 4:27
data row { y : real   x : real }
param   k : real
observe y[row] ~ Gaussian(exp(k * x), var = 1)
