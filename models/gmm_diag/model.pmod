// Gaussian mixture without correlations: inside a cluster the measurements are independent.
model gmm_diag
const K = 3
data wine {
  cultivar   : label // not read by the model; named so that `rest` leaves it out
  x[feature] : real = rest
}
plate cluster(K)
param   weight               : simplex over cluster
param   mu[cluster, feature] : real
param   s2[cluster, feature] : positive // one variance per cluster and measurement
latent  z[wine]              ~ Categorical(weight)
observe x[wine, feature]     ~ Gaussian(mu[z], var = s2[z])
