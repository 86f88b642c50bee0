// error[E0407] 4:33
data row { side : label }
latent p[side] ~ Beta(1, 1)
observe side[row] ~ Categorical(p) over side
