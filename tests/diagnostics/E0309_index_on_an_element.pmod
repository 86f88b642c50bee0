// error[E0309] 4:41
data step ordered { y : real }
param a : real
observe y[t in step] ~ Gaussian(a * y[t[t]], var = 1)
