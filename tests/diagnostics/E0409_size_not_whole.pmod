// error[E0409] 3:13
const K = 2.5
plate group(K)
data row { y : real }
param mu[group] : real
observe y[row] ~ Gaussian(sum(mu over group), var = 1)
