// Gaussian mixture in which all clusters share one shape: `cluster` is left out of Sigma's brackets.
model gmm_tied
const K = 3
data flower { x[feature] : real = (sepal_length, sepal_width, petal_length, petal_width) }
plate cluster(K)
param   weight      : simplex over cluster
param   mu[cluster] : real over feature
param   Sigma       : covariance over feature
latent  z[flower]   ~ Categorical(weight)
observe x[flower]   ~ Gaussian(mu[z], cov = Sigma) over feature
