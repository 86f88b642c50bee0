// Places and shapes independent under the prior, as BayesPy has them.
model bgmm
const K = 10
data row { x[feature] : real = rest }
plate cluster(K)
latent  weight          ~ Dirichlet(1) over cluster
latent  Lambda[cluster] ~ Wishart(10, scale = identity) over feature
latent  mu[cluster]     ~ Gaussian(0, precision = 0.001 * identity) over feature
latent  z[row]          ~ Categorical(weight)
observe x[row]          ~ Gaussian(mu[z], precision = Lambda[z]) over feature
