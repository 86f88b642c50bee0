// error[E0404] 8:30
data row { y : real }
plate cluster(2)
plate line(2)
param weight : simplex over line
param mu[cluster] : real
latent z[row] ~ Categorical(weight)
observe y[row] ~ Gaussian(mu[z], var = 1)
