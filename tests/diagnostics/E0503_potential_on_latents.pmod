// error[E0503] 7:1
data image { v[pixel] : binary = rest }
plate unit(4)
param   W[pixel, unit] : real
latent  h[image, unit] : binary
observe v[image, pixel]
potential[image, pixel, unit] W * v * h
