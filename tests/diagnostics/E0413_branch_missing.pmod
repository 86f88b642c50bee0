// error[E0413] 6:18
data row { y : real }
plate kind { signal, noise }
param w : simplex over kind
latent z[row] ~ Categorical(w)
observe y[row] ~ case z { signal: Gaussian(0, var = 1) }
