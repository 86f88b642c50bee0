// error[E0416] 3:11
data row { x : real   y : real }
const c = mean(x over row)
observe y[row] ~ Gaussian(c, var = 1)
