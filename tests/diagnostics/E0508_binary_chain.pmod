// error[E0508] 6:9
data step ordered { y : real }
param   p : probability
param   q[binary] : probability
param   mu[binary] : real
latent  on[step] ~ Bernoulli(q[on[step-1]]) first Bernoulli(p)
observe y[step] ~ Gaussian(mu[on], var = 1)
