// error[E0408] 6:62
data row { y : real }
plate kind { slab, spike }
param w : simplex over kind
latent z[row] ~ Categorical(w)
latent v[row] ~ case z { slab: Gaussian(0, var = 1)   spike: Gamma(1, rate = 1) }
observe y[row] ~ Gaussian(v, var = 1)
