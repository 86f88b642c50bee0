// error[E0508] 3:9
data row { y : real   a : label of node   b : label of node }
param   d[i in node, j in node] : real, symmetric
observe y[row] ~ Gaussian(d[a, b], var = 1)
