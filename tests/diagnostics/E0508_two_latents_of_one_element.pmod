// error[E0508] 8:9
data answer { person : label   right : binary }
plate skill(2)
plate mood(2)
const   ws over skill = [0.5, 0.5]
param   wm[skill] : simplex over mood
param   p[skill, mood] : probability
latent  s[person] ~ Categorical(ws)
latent  m[person] ~ Categorical(wm[s])
observe right[answer] ~ Bernoulli(p[s, m])
