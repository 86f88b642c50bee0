// error[E0508] 9:1
// data: a,b | 1,2 | 3, | 2,1
data row { x[feature] : real = rest }
plate   k(2)
param   w : simplex over k
param   mu[k]    : real over feature
param   Sigma : covariance over feature
latent  z[row] ~ Categorical(w)
observe x[row] ~ Gaussian(mu[z], cov = Sigma) over feature
