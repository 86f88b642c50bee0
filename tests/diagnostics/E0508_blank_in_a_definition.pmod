// error[E0508] 6:1
// data: a,b | 1,2 | 3, | 2,1
data row { x[feature] : real = rest }
let     u[row, feature] = x - mean(x over row)
param   Sigma : covariance over feature
observe u[row] ~ Gaussian(0, cov = Sigma) over feature
