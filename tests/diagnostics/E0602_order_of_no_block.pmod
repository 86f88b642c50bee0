// error[?]
data row { y : real }
param   a : real
param   b : real
observe y[row] ~ Gaussian(a, var = 1)
infer { order b, a }
