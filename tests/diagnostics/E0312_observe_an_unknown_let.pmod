// error[E0312] 5:9
data row { y : real }
param mu : real
let d[row] = y - mu
observe d[row] ~ Gaussian(0, var = 1)
