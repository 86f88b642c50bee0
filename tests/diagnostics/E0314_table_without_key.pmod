// error[E0314] 2:14
data token { doc : label   y : real }
data doc { rating : real }
observe y[token] ~ Gaussian(0, var = 1)
observe rating[doc] ~ Gaussian(0, var = 1)
