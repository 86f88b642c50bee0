// Gaussian mixture: each cluster has its own place, shape and orientation.
model gmm
const K = 3
data flower { x[feature] : real = (sepal_length, sepal_width, petal_length, petal_width) }
plate cluster(K)
param   weight         : simplex over cluster        // share of each cluster
param   mu[cluster]    : real over feature           // centre
param   Sigma[cluster] : covariance over feature     // shape
latent  z[flower]      ~ Categorical(weight)
observe x[flower]      ~ Gaussian(mu[z], cov = Sigma[z]) over feature
