// Factorial hidden Markov model (Ghahramani and Jordan 1997): several chains of their own add up to one signal.
model factorial_hmm
data step ordered by minute { watts : real }
plate appliance(3)
plate state(2)
param   start[appliance]       : simplex over state
param   move[appliance, state] : simplex over state
param   mu[appliance, state]   : real     // what an appliance draws in a state
param   s2                     : positive // noise of the meter
latent  z[step, appliance]     ~ Categorical(move[appliance, z[step-1, appliance]]) first Categorical(start)
observe watts[step]            ~ Gaussian(sum(mu[appliance, z[step, appliance]] over appliance), var = s2)
