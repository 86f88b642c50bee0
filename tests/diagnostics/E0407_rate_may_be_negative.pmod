// error[E0407] 4:26
data row { n : count   x : real }
param a : real
observe n[row] ~ Poisson(a * x)
