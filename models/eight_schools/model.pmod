// A hierarchical normal model (Gelman, BDA 5.5): noisy effects of eight schools shrink towards their common mean.
model eight_schools
data school {
  school : label    // names the rows
  y      : real     // measured effect
  sigma  : positive // its standard error, known
}
latent  mu            ~ Gaussian(0, var = 25)         // mean effect
latent  tau           ~ Gamma(2, rate = 50)           // precision between schools: standard deviation about 5
latent  theta[school] ~ Gaussian(mu, precision = tau) // true effect of a school
observe y[school]     ~ Gaussian(theta, sd = sigma)
