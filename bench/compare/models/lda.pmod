model lda
const K     = 50
const alpha = 0.1
const eta   = 0.01
data token {
  doc   : label
  word  : label
  count : weight
}
plate topic(K)
latent  theta[topic] ~ Dirichlet(eta) over word
latent  pi[doc]      ~ Dirichlet(alpha) over topic
latent  z[token]     ~ Categorical(pi[doc])
observe word[token]  ~ Categorical(theta[z])
