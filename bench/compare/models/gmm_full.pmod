model gmm_full
const K = 10
data row { x[feature] : real = rest }
plate cluster(K)
param   weight         : simplex over cluster
param   mu[cluster]    : real over feature
param   Sigma[cluster] : covariance over feature
latent  z[row]         ~ Categorical(weight)
observe x[row]         ~ Gaussian(mu[z], cov = Sigma[z]) over feature
