// The Bayesian lasso (Park and Casella 2008) by mean field: a factor of each weight with |w| in its exponent, no bound.
model bayesian_lasso
data person {
  y          : real = "target"
  x[feature] : real = rest
}
let     t[person]           = (y - mean(y over person)) / sd(y over person)
let     xs[person, feature] = (x - mean(x over person)) / sd(x over person)
latent  lambda     ~ Gamma(1, rate = 0.1) // how sharply the prior pulls, learnt too
latent  w[feature] ~ Laplace(0, scale = 1 / lambda)
latent  tau        ~ Gamma(0.01, rate = 0.01)
observe t[person]  ~ Gaussian(sum(w * xs over feature), precision = tau)
