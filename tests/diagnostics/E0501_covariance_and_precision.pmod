// error[E0501] 4:9
data row { x[feature] : real = rest }
data other { z[feature] : real = rest }
latent  L ~ Wishart(5, scale = identity) over feature
observe x[row] ~ Gaussian(0, precision = L) over feature
observe z[other] ~ Gaussian(0, cov = L) over feature
