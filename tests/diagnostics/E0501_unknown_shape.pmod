// error[E0501] 5:18
data row { y : positive }
param   shape : positive
param   rate  : positive
observe y[row] ~ Gamma(shape, rate = rate)
