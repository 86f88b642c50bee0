// error[E0310] 4:38
data step ordered { y : real }
param a : real
observe y[step] ~ Gaussian(a * sum(y[s-1] over s in step), var = 1)
