// error[E0313] 4:9
data row { y : real }
let m = mean(y over row)
observe m[row] ~ Gaussian(0, var = 1)
