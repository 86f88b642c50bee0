// Binary sparse coding (Henniges et al. 2010): an image is a sum of causes that are there or not.
model binary_sparse_coding
const K = 10
data patch {
  digit    : label
  x[pixel] : real = "p*"
}
plate cause(K)
let     v[patch, pixel] = x / 16
param   p[cause]        : probability                    // how often a cause is there
param   W[pixel, cause] : real                           // what it adds
param   noise           : positive
latent  h[patch, cause] ~ Bernoulli(p) as factorised     // mean field: causes one after the other
observe v[patch, pixel] ~ Gaussian(sum(W * h over cause), var = noise)
