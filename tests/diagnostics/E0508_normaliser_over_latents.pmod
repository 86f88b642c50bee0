// error[E0508] 6:11
data row { y : real }
plate l(3)
const a[l] = [1, 2, 3]
param w : simplex over l
param p ~ Dirichlet(a[z]) over l
latent z[l] ~ Categorical(w)
observe y[row] ~ Gaussian(0, var = 1)
