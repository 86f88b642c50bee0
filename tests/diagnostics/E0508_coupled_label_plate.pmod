// error[E0508] 6:9
data pair { a : label of node   b : label of node   linked : binary }
plate block(2)
const   w over block = [0.5, 0.5]
latent  p[block, block] ~ Beta(1, 1)
latent  z[node] ~ Categorical(w)
observe linked[pair] ~ Bernoulli(p[z[a], z[b]])
