// error[E0408] 2:30
data row { y : positive else 0 }
observe y[row] ~ Gamma(1, rate = 1)
