// error[E0402] 3:30
data row { y : positive }
observe y[row] ~ Exponential(2)
