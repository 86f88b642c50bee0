// error[?]
data row { y : positive }
param   shape : positive
param   rate  : positive
observe y[row] ~ Gamma(shape, rate = rate)
