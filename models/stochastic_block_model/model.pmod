// Stochastic block model: people belong to groups, and the groups of two people decide how likely they are linked.
model stochastic_block_model
data pair every a < b { // each unordered pair is a row; the file lists the links
  a      : label of node = "source"
  b      : label of node = "target"
  linked : binary = listed
}
plate block(3)
latent  weight          ~ Dirichlet(1) over block
latent  p[block, block] ~ Beta(1, 1), symmetric // one probability for each unordered pair of blocks
latent  z[node]         ~ Categorical(weight)
observe linked[pair]    ~ Bernoulli(p[z[a], z[b]])
