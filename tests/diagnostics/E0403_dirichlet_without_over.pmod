// error[E0403] 3:12
data row { side : label }
latent p ~ Dirichlet(1)
observe side[row] ~ Categorical(p)
