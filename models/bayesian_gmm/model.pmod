// Bayesian Gaussian mixture: more clusters than needed, a prior that lets the surplus go unused.
model bayesian_gmm
const K = 6
data flower { x[feature] : real = (sepal_length, sepal_width, petal_length, petal_width) }
plate cluster(K)
let     m0[feature] = mean(x over flower)
latent  weight          ~ Dirichlet(1 / K) over cluster
latent  Lambda[cluster] ~ Wishart(6, inverse_scale = 0.5 * identity) over feature // inverse covariance
latent  mu[cluster]     ~ Gaussian(m0, precision = 0.1 * Lambda) over feature     // spread on the cluster's own scale
latent  z[flower]       ~ Categorical(weight)
observe x[flower]       ~ Gaussian(mu[z], precision = Lambda[z]) over feature
