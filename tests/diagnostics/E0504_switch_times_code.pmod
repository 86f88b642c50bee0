// error[E0504] 8:1
data patch { x[pixel] : real = rest }
plate atom(4)
param   W[pixel, atom]  : real
latent  s[patch, atom]  ~ Bernoulli(0.5)
latent  g[patch, atom]  ~ Gaussian(0, var = 1)
observe x[patch, pixel] ~ Gaussian(sum(W * s * g over atom), var = 1)
infer { joint s, g }
