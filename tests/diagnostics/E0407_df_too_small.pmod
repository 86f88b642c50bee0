// error[E0407] 4:20
plate dim(3)
data row { y : real }
latent L ~ Wishart(2, scale = identity) over dim
latent m ~ Gaussian(0, precision = L) over dim
observe y[row] ~ Gaussian(sum(m over dim), var = 1)
