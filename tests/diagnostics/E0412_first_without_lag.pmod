// error[E0412] 3:46
data step ordered { y : real }
observe y[step] ~ Gaussian(0, var = 1) first Gaussian(0, var = 2)
