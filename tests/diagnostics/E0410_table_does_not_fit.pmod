// error[E0410] 3:19
plate season { winter, summer }
const p[season] = [1, 2, 3]
data row { season : label   y : real }
observe y[row] ~ Gaussian(p, var = 1)
