// error[E0404] 5:41
data eruption { x[feature] : real = rest }
plate dim(2)
param S : covariance over dim
observe x[eruption] ~ Gaussian(0, cov = S) over feature
