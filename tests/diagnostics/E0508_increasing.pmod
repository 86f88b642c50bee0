// error[E0508] 4:9
data row { y : real }
plate group(3)
param   mu[group] : real, increasing over group
param   w : simplex over group
latent  z[row] ~ Categorical(w)
observe y[row] ~ Gaussian(mu[z], var = 1)
