// Hidden Markov model with Gaussian emissions (Bishop 13.2): Baum-Welch, forward-backward inside EM.
model hmm_gaussian
data step ordered by year { volume : real }
plate state(2)
param   start        : simplex over state // state of the first year
param   move[state]  : simplex over state // a row for each state: where it goes next
param   mu[state]    : real
param   s2[state]    : positive
latent  z[step]      ~ Categorical(move[z[step-1]]) first Categorical(start)
observe volume[step] ~ Gaussian(mu[z], var = s2[z])
