// error[E0302] 2:55
data row { x[feature] : real = rest   best : label of feature }
param m : real
observe x[row, feature] ~ Gaussian(m, var = 1)
