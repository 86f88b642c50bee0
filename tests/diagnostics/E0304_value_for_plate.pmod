// error[E0304] 5:10
// error[E0304] 6:41
const K = 3
data row { y : real }
param mu[K] : real
observe y[row] ~ Gaussian(0, var = size(K))
