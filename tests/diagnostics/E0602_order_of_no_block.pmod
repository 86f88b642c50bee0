// warning[W0301] 5:9
// error[E0602] 7:9
data row { y : real }
param   a : real
param   b : real
observe y[row] ~ Gaussian(a, var = 1)
infer { order b, a }
