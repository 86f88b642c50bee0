// A coin with an unknown bias.
model beta_bernoulli
data toss { heads : binary }
latent  p           ~ Beta(2, 2)
observe heads[toss] ~ Bernoulli(p)
