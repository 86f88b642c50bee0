// Bayesian PCA (Bishop 12.2.3): the data switch off the factors they do not need. Blank cells are left out, cell by cell.
model bayesian_pca
const K = 5                // more than needed
data wine {
  cultivar   : label       // declared so that `rest` leaves it out
  x[feature] : real = rest // blanks allowed
}
plate factor(K)
let     u[wine, feature] = (x - mean(x over wine)) / sd(x over wine)
latent  h[wine, factor]    ~ Gaussian(0, var = 1)
latent  alpha[factor]      ~ Gamma(1, rate = 0.1)     // relevance: a large alpha pulls its column of W to 0
latent  W[feature, factor] ~ Gaussian(0, precision = alpha)
latent  tau                ~ Gamma(1e-3, rate = 1e-3) // precision of the noise
observe u[wine, feature]   ~ Gaussian(sum(W * h over factor), precision = tau)
