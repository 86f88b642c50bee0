model mf
data rating {
  user  : label
  item  : label
  stars : real
}
plate factor(5)
latent  u[user, factor] ~ Gaussian(0, var = 1)
latent  v[item, factor] ~ Gaussian(0, var = 1)
latent  tau             ~ Gamma(1e-3, rate = 1e-3)
observe stars[rating]   ~ Gaussian(sum(u * v over factor), precision = tau)
