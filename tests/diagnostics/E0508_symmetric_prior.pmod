// error[E0508] 5:9
data pair every a < b { a : label of node   b : label of node   linked : binary = listed }
plate block(2)
const   w over block = [0.5, 0.5]
latent  p[block, block] ~ Beta(1, 1), symmetric
latent  z[node] ~ Categorical(w)
observe linked[pair] ~ Bernoulli(p[z[a], z[b]])
