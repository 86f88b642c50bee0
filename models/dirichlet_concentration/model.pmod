// Empirical Bayes: how concentrated the topics and their shares are is learnt from the documents (Minka 2000; Blei et al. 2003).
model dirichlet_concentration
const K = 6
data token {
  doc   : label
  word  : label
  count : weight
}
plate topic(K)
param   alpha        : positive  // small: a document holds few topics
param   eta          : positive  // small: a topic holds few words
latent  theta[topic] ~ Dirichlet(eta) over word
latent  pi[doc]      ~ Dirichlet(alpha) over topic
latent  z[token]     ~ Categorical(pi)
observe word[token]  ~ Categorical(theta[z])
