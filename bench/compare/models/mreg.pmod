model mreg
data row {
  y          : real
  x[feature] : real = "x*"
}
plate line(5)
latent  weight    ~ Dirichlet(1) over line
latent  w[line]   ~ Gaussian(0, precision = 0.01 * identity) over feature
latent  tau[line] ~ Gamma(0.01, rate = 0.01)
latent  z[row]    ~ Categorical(weight)
observe y[row]    ~ Gaussian(sum(w[z, feature] * x over feature), precision = tau[z])
