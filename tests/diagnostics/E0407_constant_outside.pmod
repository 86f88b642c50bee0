// error[E0407] 6:36
plate side { left, right }
const v[side] = [1, -1]
data row { y : real   side : label }
observe y[row] ~ Gaussian(0, var = v)
latent m[side] ~ Gaussian(0, var = v)
