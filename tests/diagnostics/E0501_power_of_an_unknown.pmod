// error[?]
data row { y : real   x : positive }
param   k : real
observe y[row] ~ Gaussian(x ^ k, var = 1)
