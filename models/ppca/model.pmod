// Probabilistic PCA (Bishop 12.2): a cloud in D dimensions that is a plane of factors plus equal noise.
model ppca
data wine {
  cultivar   : label // declared so that `rest` leaves it out
  x[feature] : real = rest
}
plate factor(2)
let     u[wine, feature] = (x - mean(x over wine)) / sd(x over wine) // the columns have different units
latent  h[wine, factor]    ~ Gaussian(0, var = 1)                    // where a wine lies in the plane
param   W[feature, factor] : real                                    // loadings: the plane spanned by the columns of W
param   b[feature]         : real                                    // the centre of the cloud
param   noise              : positive                                // one variance for all features: PCA; noise[feature] is factor analysis
observe u[wine, feature]   ~ Gaussian(sum(W * h over factor) + b, var = noise)
