// error[E0402] 5:36
// error[E0308] 6:33
// error[E0301] 6:46
data match { winner : label of player   loser : label of player   score : real }
latent skill[player] ~ Gaussian(0, 1)
observe score[match] ~ Gaussian(skill, var = s2)
