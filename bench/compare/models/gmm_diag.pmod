model gmm_diag
const K = 20
data row { x[feature] : real = rest }
plate cluster(K)
param   weight               : simplex over cluster
param   mu[cluster, feature] : real
param   s2[cluster, feature] : positive
latent  z[row]               ~ Categorical(weight)
observe x[row, feature]      ~ Gaussian(mu[z, feature], var = s2[z, feature])
