// error[E0508] 6:1
// data: a,b | 1,2 | 3, | 2,1
data row { x[feature] : real = rest }
param   mu    : real over feature
param   Sigma : covariance over feature
observe x[row] ~ Gaussian(mu, cov = Sigma) over feature
