// error[E0309] 7:33
data row { y : real }
plate cluster(2)
param weight : simplex over cluster
param mu[cluster] : real
latent z[row] ~ Categorical(weight)
observe y[row] ~ Gaussian(mu[z, z], var = 1)
