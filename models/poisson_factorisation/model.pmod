// Gamma-Poisson factorisation of counts (Canny 2004; Cemgil 2009): pairs that are not listed are zeros.
model poisson_factorisation
const K = 4
data cell every doc, word {
  doc   : label
  word  : label
  count : count else 0
}
plate factor(K)
latent  u[doc, factor]  ~ Gamma(0.3, rate = 0.3)
latent  v[word, factor] ~ Gamma(0.3, rate = 0.3)
observe count[cell]     ~ Poisson(sum(u * v over factor))
