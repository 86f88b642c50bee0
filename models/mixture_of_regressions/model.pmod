// Mixture of linear regressions (Bishop 14.5.1): each row belongs to one of K lines, nobody says which.
model mixture_of_regressions
data delivery {
  x : real = "km"
  y : real = "minutes"
}
plate line(2)
param   weight      : simplex over line
param   a[line]     : real     // intercept
param   b[line]     : real     // slope
param   s2[line]    : positive // variance about the line
latent  z[delivery] ~ Categorical(weight)
observe y[delivery] ~ Gaussian(a[z] + b[z] * x, var = s2[z])
