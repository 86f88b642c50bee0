// error[E0508] 4:9
data patch { x[pixel] : real = rest }
plate atom(4)
param   W[pixel, atom]  : real, unit norm over pixel
latent  h[patch, atom]  ~ Gaussian(0, var = 1)
observe x[patch, pixel] ~ Gaussian(sum(W * h over atom), var = 1)
