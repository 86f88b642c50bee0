// error[E0508] 9:1
data row { x[feature] : real = rest }
plate cluster(2)
plate factor(2)
param   w : simplex over cluster
param   W[cluster, feature, factor] : real
latent  z[row] ~ Categorical(w)
latent  h[row, factor] ~ Gaussian(0, var = 1)
observe x[row, feature] ~ Gaussian(sum(W[z] * h over factor), var = 1)
