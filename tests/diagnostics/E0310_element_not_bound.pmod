// error[E0310] 6:37
data step ordered { y : real   u : real }
plate state(2)
param move[state] : simplex over state
param mu[state] : real
latent z[step] ~ Categorical(move[z[z-1]]) over state
observe y[step] ~ Gaussian(mu[z], var = 1)
