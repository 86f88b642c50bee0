// error[E0411] 4:41
data eruption { x[feature] : real = (a, b) }
const S[feature, feature] = [[1, 2], [2, 1]]
observe x[eruption] ~ Gaussian(0, cov = S) over feature
