model hmm
const K = 8
data step ordered by t within session { y : real }
plate state(K)
param   start       : simplex over state
param   move[state] : simplex over state
param   mu[state]   : real
param   s2[state]   : positive
latent  z[step]     ~ Categorical(move[z[step-1]]) first Categorical(start)
observe y[step]     ~ Gaussian(mu[z], var = s2[z])
