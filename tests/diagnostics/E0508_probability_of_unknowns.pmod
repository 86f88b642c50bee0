// error[E0508] 5:30
data row { won : binary }
latent  p ~ Beta(1, 1)
latent  q ~ Beta(1, 1)
observe won[row] ~ Bernoulli(p * q)
