// error[E0403] 4:50
data eruption { x[feature] : real = rest }
param S : covariance over feature
observe x[eruption, feature] ~ Gaussian(0, cov = S)
