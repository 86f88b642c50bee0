// error[E0415] 2:21
data step ordered { n : weight   y : real }
observe y[step] ~ Gaussian(0, var = 1)
