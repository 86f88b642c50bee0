// error[E0306] 3:27
data row { y : positive }
observe y[row] ~ Gaussian(ln(2), var = 1)
