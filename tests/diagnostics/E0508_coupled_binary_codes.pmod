// error[E0508] 5:9
data patch { x[pixel] : real = rest }
plate cause(3)
param   W[pixel, cause] : real
latent  h[patch, cause] ~ Bernoulli(0.3)
observe x[patch, pixel] ~ Gaussian(sum(W * h over cause), var = 1)
