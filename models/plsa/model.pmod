// Topics by maximum likelihood (probabilistic latent semantic analysis): LDA without its priors.
model plsa
const K = 4
data token {
  doc   : label
  word  : label
  count : weight // the row stands for `count` occurrences
}
plate topic(K)
param   theta[topic] : simplex over word  // words of a topic
param   pi[doc]      : simplex over topic // topics of a document
latent  z[token]     ~ Categorical(pi)
observe word[token]  ~ Categorical(theta[z])
