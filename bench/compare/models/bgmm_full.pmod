// The priors of scikit-learn's BayesianGaussianMixture with a Dirichlet over the weights.
model bgmm_full
const K = 10
data row { x[feature] : real = rest }
plate cluster(K)
let     m0[feature]     = mean(x over row)
latent  weight          ~ Dirichlet(1 / K) over cluster
latent  Lambda[cluster] ~ Wishart(10, inverse_scale = identity) over feature
latent  mu[cluster]     ~ Gaussian(m0, precision = 1 * Lambda) over feature
latent  z[row]          ~ Categorical(weight)
observe x[row]          ~ Gaussian(mu[z], precision = Lambda[z]) over feature
