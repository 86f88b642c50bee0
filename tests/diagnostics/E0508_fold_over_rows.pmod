// error[E0508] 10:32
data token { doc : label   word : label }
data doc { doc : label   rating : real }
plate topic(2)
param   effect[topic] : real
param   pi[doc] : simplex over topic
param   theta[topic] : simplex over word
latent  z[token] ~ Categorical(pi)
observe word[token] ~ Categorical(theta[z])
observe rating[doc] ~ Gaussian(mean(effect[z] over token), var = 1)
