// error[E0416] 4:55
data eruption { x[feature] : real = rest }
param S : covariance over feature
observe x[eruption] ~ Gaussian(0, precision = inverse(S)) over feature
