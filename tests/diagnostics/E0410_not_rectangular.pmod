// error[E0410] 4:37
plate season { winter, summer }
plate side(3)
const p[season, side] = [[1, 2, 3], [1, 2]]
data row { season : label   y : real }
observe y[row] ~ Gaussian(sum(p over side), var = 1)
