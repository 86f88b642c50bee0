model fa
data row { x[feature] : real = rest }
plate factor(10)
latent  h[row, factor]     ~ Gaussian(0, var = 1)
param   W[feature, factor] : real
param   b[feature]         : real
param   noise[feature]     : positive
observe x[row, feature]    ~ Gaussian(sum(W * h over factor) + b, var = noise)
