// error[E0406] 3:41
data eruption { x[feature] : real = rest }
observe x[eruption] ~ Gaussian(0, cov = 2) over feature
