// error[E0307] 7:27
data row { y : real }
plate cluster(2)
param weight : simplex over cluster
param mu[cluster] : real
latent z[row] ~ Categorical(weight)
observe y[row] ~ Gaussian(mu, var = 1)
