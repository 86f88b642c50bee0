// error[E0307] 5:30
data row { y : real }
plate cluster(2)
param mu[cluster] : real
observe y[row] ~ Gaussian(mu[cluster], var = 1)
