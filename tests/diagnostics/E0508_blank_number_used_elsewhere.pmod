// error[E0508] 6:1
// data: x,y | 1,2 | ,3 | 2,1
data row { x : count   y : real }
param   m : positive
param   b : real
observe x[row] ~ Poisson(m)
observe y[row] ~ Gaussian(b * x, var = 1)
