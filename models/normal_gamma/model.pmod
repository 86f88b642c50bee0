// Mean and precision of a Gaussian, jointly: the conjugate Gaussian-Gamma prior.
model normal_gamma
data year { volume : real }
latent  tau          ~ Gamma(2, rate = 4e4)                 // 1 / variance
latent  mu           ~ Gaussian(1000, precision = 0.1 * tau) // worth a tenth of an observation
observe volume[year] ~ Gaussian(mu, precision = tau)
