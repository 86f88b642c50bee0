// error[E0505] 12:8
// data: y | 1 | 2
const K = 200
data row { y : real }
plate a(K)
plate b(K)
plate c(K)
param pa : simplex over a
param pb : simplex over b
param pc : simplex over c
param mu[a, b, c] : real
latent i[row] ~ Categorical(pa)
latent j[row] ~ Categorical(pb)
latent k[row] ~ Categorical(pc)
observe y[row] ~ Gaussian(mu[i, j, k], var = 1)
