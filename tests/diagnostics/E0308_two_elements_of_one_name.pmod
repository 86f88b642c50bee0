// error[E0308] 6:34
// error[E0307] 7:34
data row { y : real }
plate state(2)
const a[state] = [1, 2]
latent move[state] ~ Dirichlet(a[state]) over state
latent z[row] ~ Categorical(move[state])
observe y[row] ~ Gaussian(0, var = 1)
