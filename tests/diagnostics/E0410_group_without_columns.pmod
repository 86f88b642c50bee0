// error[E0410] 2:12
data row { x[feature] : real }
observe x[row, feature] ~ Gaussian(0, var = 1)
