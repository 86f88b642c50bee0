// error[E0414] 3:23
data row { side : label   y : real }
param m[side] : real, increasing over side
observe y[row] ~ Gaussian(m, var = 1)
