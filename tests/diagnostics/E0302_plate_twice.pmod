// error[E0302] 4:7
data row { y : real }
plate group(2)
plate group { a, b }
param mu[group] : real
observe y[row] ~ Gaussian(sum(mu over group), var = 1)
