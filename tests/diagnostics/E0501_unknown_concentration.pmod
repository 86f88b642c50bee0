// error[E0501] 4:23
data row { side : label }
latent  alpha ~ Gamma(1, rate = 1)
latent  p ~ Dirichlet(alpha) over side
observe side[row] ~ Categorical(p)
