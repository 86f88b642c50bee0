// The lasso (Tibshirani 1996): regression by MAP under Laplace priors, which sets most weights to exactly 0.
model lasso
const lambda = 40 // larger: fewer covariates
data person {
  y          : real = "target"
  x[feature] : real = rest
}
let     t[person]           = (y - mean(y over person)) / sd(y over person)
let     xs[person, feature] = (x - mean(x over person)) / sd(x over person) // one penalty suits all
param   w[feature] ~ Laplace(0, scale = 1 / lambda)
param   s2         : positive
observe t[person]  ~ Gaussian(sum(w * xs over feature), var = s2)
