// error[E0409] 3:13
data row { n : count   y : real }
plate group(mean(n over row))
param mu[group] : real
observe y[row] ~ Gaussian(sum(mu over group), var = 1)
