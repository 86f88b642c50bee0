// error[E0415] 2:25
data row { n : weight   m : weight   y : real }
observe y[row] ~ Gaussian(0, var = 1)
