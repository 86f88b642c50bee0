// error[E0506] 4:32
data row { x[feature] : real = rest }
param   s : positive
latent  L ~ Wishart(5, scale = s * identity) over feature
observe x[row] ~ Gaussian(0, precision = L) over feature
