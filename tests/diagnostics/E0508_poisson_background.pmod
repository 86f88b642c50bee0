// error[E0508] 5:26
data row { n : count   exposure : positive }
latent  signal ~ Gamma(1, rate = 1)
latent  noise  ~ Gamma(1, rate = 1)
observe n[row] ~ Poisson(signal * exposure + noise)
