// error[E0406] 4:41
data eruption { x[feature] : real = rest }
param S : covariance over feature
observe x[eruption] ~ Gaussian(0, var = S) over feature
