// error[E0408] 4:18
data row { y : positive }
let l[row] = log(y)
observe l[row] ~ Poisson(1)
