// error[E0302] 5:42
data row { y : real }
plate group(2)
param mu[group] : real
observe y[row] ~ Gaussian(sum(mu[y] over y in group), var = 1)
