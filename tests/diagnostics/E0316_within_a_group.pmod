// error[E0316] 2:22
data step ordered by y { y[sensor] : real = rest }
observe y[step, sensor] ~ Gaussian(0, var = 1)
