// error[E0508] 4:38
data row { won : binary   x : real }
latent  w ~ Gaussian(0, var = 1)
observe won[row] ~ Bernoulli(logit = w * x)
