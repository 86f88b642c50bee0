// error[E0508] 3:9
data row { y : real   group : label }
param   w[group] : real, unit norm over group
observe y[row] ~ Gaussian(w, var = 1)
