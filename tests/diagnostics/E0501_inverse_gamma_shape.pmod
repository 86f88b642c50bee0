// error[?]
data row { y : positive }
latent  a ~ Gamma(1, rate = 1)
observe y[row] ~ InverseGamma(a, scale = 1)
