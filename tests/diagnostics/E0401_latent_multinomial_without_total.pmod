// error[E0401] 5:17
data row { y : real }
plate side(2)
param p : simplex over side
latent n[row] ~ Multinomial(p)
observe y[row] ~ Gaussian(sum(n over side), var = 1)
