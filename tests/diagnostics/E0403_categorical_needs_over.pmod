// error[E0403] 4:21
data row { side : label }
param w[side] : real
observe side[row] ~ Categorical(logit = w)
