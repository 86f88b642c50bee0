// Mixture of factor analysers (Ghahramani and Hinton 1996): clusters that are planes of their own, one noise per feature.
model mixture_of_factor_analysers
data wine {
  cultivar   : label // declared so that `rest` leaves it out
  x[feature] : real = rest
}
plate cluster(3)
plate factor(2)
let     u[wine, feature] = (x - mean(x over wine)) / sd(x over wine)
param   weight                      : simplex over cluster
param   W[cluster, feature, factor] : real // the plane of a cluster
param   b[cluster, feature]         : real // and its centre
param   noise[feature]              : positive
latent  z[wine]                     ~ Categorical(weight)
latent  h[wine, factor]             ~ Gaussian(0, var = 1)
observe u[wine, feature]            ~ Gaussian(sum(W[z] * h over factor) + b[z], var = noise)
