// error[E0403] 3:11
data row { side : label }
param p : simplex
observe side[row] ~ Categorical(p)
