// error[E0309] 7:30
data row { y : real }
plate cluster(2)
param weight : simplex over cluster
param mu : real
latent z[row] ~ Categorical(weight)
observe y[row] ~ Gaussian(mu[z], var = 1)
