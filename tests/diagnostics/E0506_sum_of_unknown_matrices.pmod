// error[E0506] 4:36
data row { x[feature] : real = rest }
param   A : covariance over feature
observe x[row] ~ Gaussian(0, cov = A + identity) over feature
