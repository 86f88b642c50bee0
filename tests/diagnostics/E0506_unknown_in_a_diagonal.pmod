// error[E0506] 4:36
data row { x[feature] : real = rest }
param   v[feature] : positive
observe x[row] ~ Gaussian(0, cov = diagonal(v)) over feature
