// error[E0501] 4:26
data row { won : binary   player : label }
param   a : positive
latent  p[player] ~ Beta(a, 1)
observe won[row] ~ Bernoulli(p)
