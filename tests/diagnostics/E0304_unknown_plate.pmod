// error[E0304] 4:10
data eruption { x[feature] : real = rest }
plate cluster(2)
param mu[clusters] : real
observe x[eruption, feature] ~ Gaussian(0, var = 1)
