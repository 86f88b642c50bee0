// Skills of players from who beat whom: a game is won where the difference of skills plus a standard Gaussian is above 0.
model probit_ratings
data result {
  winner : label of player
  loser  : label of player
  games  : weight
  won    : binary = listed // every row is a win of its winner
}
latent  skill[player] ~ Gaussian(0, var = 1)
observe won[result]   ~ Bernoulli(probit = skill[winner] - skill[loser])
