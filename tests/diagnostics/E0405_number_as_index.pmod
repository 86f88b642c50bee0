// error[E0405] 5:30
data row { n : count   y : real }
plate group(2)
param mu[group] : real
observe y[row] ~ Gaussian(mu[n], var = 1)
