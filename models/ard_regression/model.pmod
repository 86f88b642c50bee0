// Linear regression with automatic relevance determination (Bishop 7.2, 10.3): a precision for each weight.
model ard_regression
data person {
  y          : real = "target"
  x[feature] : real = rest
}
let     xs[person, feature] = (x - mean(x over person)) / sd(x over person) // weights are comparable
latent  alpha[feature] ~ Gamma(0.01, rate = 0.01)                           // relevance: large where the weight is not needed
latent  w[feature]     ~ Gaussian(0, precision = alpha)
latent  w0             ~ Gaussian(0, precision = 1e-6)                      // intercept, all but free
latent  tau            ~ Gamma(0.01, rate = 0.01)                           // precision of the noise
observe y[person]      ~ Gaussian(sum(w * xs over feature) + w0, precision = tau)
