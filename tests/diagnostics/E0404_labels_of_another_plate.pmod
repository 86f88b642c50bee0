// error[E0404] 5:21
data row { side : label }
plate cluster(2)
param weight : simplex over cluster
observe side[row] ~ Categorical(weight)
