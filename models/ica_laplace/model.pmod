// Independent components: directions along which the data are peaked rather than Gaussian. Points under Laplace priors.
model ica_laplace
data wine {
  cultivar  : label
  x[sensor] : real = rest
}
plate source(3)
let     u[wine, sensor] = (x - mean(x over wine)) / sd(x over wine)
param   A[sensor, source] : real, unit norm over sensor // the size of a source is in s
param   noise             : positive                    // stays above 0: there are fewer sources than sensors
latent  s[wine, source]   ~ Laplace(0, scale = 1) as dirac
observe u[wine, sensor]   ~ Gaussian(sum(A * s over source), var = noise)
