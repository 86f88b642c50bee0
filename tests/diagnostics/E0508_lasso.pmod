// error[E0508] 3:9
data row { y : real   x[feature] : real = rest }
param   w[feature] ~ Laplace(0, scale = 1)
observe y[row] ~ Gaussian(sum(w * x over feature), var = 1)
