// error[E0715] 5:9
// data: y,g | 1,a | 2,a | 3,b
data row { y : real   g : label }
param   mu[g] : real
param   v[g]  : positive
observe y[row] ~ Gaussian(mu, var = v)
