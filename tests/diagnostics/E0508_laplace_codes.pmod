// error[E0508] 5:9
data patch { x[pixel] : real = rest }
plate atom(8)
param   W[pixel, atom]  : real
latent  h[patch, atom]  ~ Laplace(0, scale = 1) as dirac
observe x[patch, pixel] ~ Gaussian(sum(W * h over atom), var = 1)
