// Dictionary learning: patches are sums of few atoms. Codes are points under a Laplace prior (Olshausen and Field 1996).
model sparse_coding
const K      = 24
const lambda = 2  // larger: fewer atoms in use
const beta   = 20 // precision of a pixel
data patch {
  digit    : label // declared so that it is not a pixel
  x[pixel] : real = "p*"
}
plate atom(K)
let     v[patch, pixel] = (x - mean(x over patch)) / 16
param   W[pixel, atom]  : real, unit ball over pixel               // without a bound W would grow and h shrink for ever
latent  h[patch, atom]  ~ Laplace(0, scale = 1 / lambda) as dirac // most are exactly 0
observe v[patch, pixel] ~ Gaussian(sum(W * h over atom), precision = beta)
