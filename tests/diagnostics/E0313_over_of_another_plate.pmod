// error[E0313] 4:49
data eruption { x[feature] : real = rest }
plate group(2)
observe x[eruption] ~ Gaussian(0, var = 1) over group
