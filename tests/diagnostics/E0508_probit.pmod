// error[E0508] 4:41
data match { winner : label of player   loser : label of player   won : binary = listed }
latent  skill[player] ~ Gaussian(0, var = 1)
observe won[match] ~ Bernoulli(probit = skill[winner] - skill[loser])
