// error[E0508] 6:1
// data: x,y | 1,2 | ,3 | 2,1
data row { x : real   y : real }
param   m : real
param   b : real
observe x[row] ~ Gaussian(m, var = 1)
observe y[row] ~ Gaussian(b * x, var = 1)
