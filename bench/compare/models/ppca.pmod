model ppca
data row { x[feature] : real = rest }
plate factor(10)
latent  h[row, factor]     ~ Gaussian(0, var = 1)
latent  W[feature, factor] ~ Gaussian(0, var = 1000)
latent  tau                ~ Gamma(1e-3, rate = 1e-3)
observe x[row, feature]    ~ Gaussian(sum(W * h over factor), precision = tau)
