model ard
data row {
  y          : real = "x0"
  x[feature] : real = rest
}
latent  alpha[feature] ~ Gamma(1e-3, rate = 1e-3)
latent  w[feature]     ~ Gaussian(0, precision = alpha)
latent  tau            ~ Gamma(1e-3, rate = 1e-3)
observe y[row]         ~ Gaussian(sum(w * x over feature), precision = tau)
