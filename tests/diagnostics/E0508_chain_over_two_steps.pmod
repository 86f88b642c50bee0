// error[E0508] 7:9
data step ordered by t within session { y : real }
plate state(2)
param   start : simplex over state
param   move[state, state] : simplex over state
param   mu[state] : real
latent  z[step] ~ Categorical(move[z[step-1], z[step-2]]) first Categorical(start)
observe y[step] ~ Gaussian(mu[z], var = 1)
