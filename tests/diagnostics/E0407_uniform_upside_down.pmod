// error[E0407] 3:29
data row { y : real }
observe y[row] ~ Uniform(1, 0)
