// Variational Bayes for a hidden Markov model over many sequences (Beal 2003): q(z) is a chain, given expected log tables.
model bayesian_hmm
const stay[state, state] = [[10, 1, 1], [1, 10, 1], [1, 1, 10]] // sticky: a priori a state lasts
data step ordered by t within night { rate : real }             // one chain for each night
plate state(3)
latent  start            ~ Dirichlet(1) over state
latent  move[i in state] ~ Dirichlet(stay[i, j]) over j in state
latent  mu[state]        ~ Gaussian(60, var = 400)
latent  tau[state]       ~ Gamma(2, rate = 8)                   // precision
latent  z[step]          ~ Categorical(move[z[step-1]]) first Categorical(start)
observe rate[step]       ~ Gaussian(mu[z], precision = tau[z])
