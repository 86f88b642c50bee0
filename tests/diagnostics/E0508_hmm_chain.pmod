// error[E0508] 7:9
data step ordered by t { y : real }
plate state(3)
param   start       : simplex over state
param   move[state] : simplex over state
param   mu[state]   : real
latent  z[step] ~ Categorical(move[z[step-1]]) first Categorical(start)
observe y[step] ~ Gaussian(mu[z], var = 1)
