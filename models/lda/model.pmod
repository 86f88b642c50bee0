// Topics in a corpus (latent Dirichlet allocation). One row per document and word, with a count.
model lda
const K     = 10
const alpha = 0.1  // below 1: a document holds few topics
const eta   = 0.01 // below 1: a topic holds few words
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
