// Logistic regression with a Gaussian prior: classes from measurements, weights with their uncertainty.
model logistic_regression
data flower {
  virginica  : binary
  x[feature] : real = rest
}
let     xs[flower, feature] = (x - mean(x over flower)) / sd(x over flower)
latent  w[feature]        ~ Gaussian(0, var = 10)
latent  w0                ~ Gaussian(0, var = 100)
observe virginica[flower] ~ Bernoulli(logit = sum(w * xs over feature) + w0)
