// error[E0408] 3:18
data row { y : real }
observe y[row] ~ Poisson(1)
