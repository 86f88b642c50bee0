// Probabilistic matrix factorisation: a rating is a base, biases of user and movie, and a product of factors of both.
model matrix_factorisation
const K = 2
data rating {
  user  : label
  movie : label
  stars : real
}
data movie { // one row per movie; the file of ratings repeats them
  movie : label
  year  : real
}
plate factor(K)
let     age[movie] = (year - mean(year over movie)) / sd(year over movie)
param   base             : real                    // mean rating
param   trend            : real                    // newer movies are rated higher
latent  bias[user]       ~ Gaussian(0, var = 0.25)
latent  appeal[movie]    ~ Gaussian(trend * age, var = 0.25)
latent  u[user, factor]  ~ Gaussian(0, var = 1)    // tastes of a user
latent  v[movie, factor] ~ Gaussian(0, var = 0.25) // what a movie offers
param   s2               : positive
observe stars[rating]    ~ Gaussian(base + bias[user] + appeal[movie] + sum(u * v over factor), var = s2)
