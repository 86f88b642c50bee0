// Independent components: directions along which the data are sparse rather than Gaussian. Points under Laplace priors.
model ica_laplace
data wine {
  cultivar  : label
  x[sensor] : real = rest
}
plate source(4)
let     u[wine, sensor]   = (x - mean(x over wine)) / sd(x over wine)
param   A[sensor, source] : real, unit norm over sensor
latent  s[wine, source] ~ Laplace(0, scale = 1) as dirac
observe u[wine, sensor] ~ Gaussian(sum(A * s over source), var = 0.5) // known: learnt, it shrinks towards 0 with the points
