// Hidden Markov model with symbols (Bishop 13.2): the dishonest casino. Which die is in play is never seen.
model hmm_categorical
data throw ordered { face : label }    // in the order of the file
plate die(2)
param   start       : simplex over die
param   move[die]   : simplex over die // how often the die is exchanged
param   emit[die]   : simplex over face
latent  z[throw]    ~ Categorical(move[z[throw-1]]) first Categorical(start)
observe face[throw] ~ Categorical(emit[z])
