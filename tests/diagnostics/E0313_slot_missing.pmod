// error[E0313] 3:9
data eruption { x[feature] : real = rest }
observe x[eruption] ~ Gaussian(0, var = 1)
