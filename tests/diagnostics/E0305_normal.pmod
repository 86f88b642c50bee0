// error[E0305] 3:18
data row { y : real }
observe y[row] ~ Normal(0, 1)
