// error[E0403] 5:27
data row { y : real }
plate group(2)
param w[group] : real
observe y[row] ~ Gaussian(sum(w), var = 1)
