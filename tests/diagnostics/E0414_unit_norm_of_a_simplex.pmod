// error[E0414] 3:30
data row { side : label }
param p : simplex over side, unit norm over side
observe side[row] ~ Categorical(p)
