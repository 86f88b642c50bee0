// error[E0303] 3:12
plate class(2)
data row { class : label of kind   y : real }
observe y[row] ~ Gaussian(0, var = 1)
