// error[E0311] 2:7
const a = b + 1
const b = 2 * a
data row { y : real }
observe y[row] ~ Gaussian(a, var = 1)
