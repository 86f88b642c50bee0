// error[E0416] 5:30
data row { y : real }
plate group(2)
param m[group] : real
observe y[row] ~ Gaussian(sd(m over group), var = 1)
