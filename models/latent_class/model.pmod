// Latent class analysis: people of one class answer alike; a blank answer counts for nothing.
model latent_class
const K = 3
data person { answer[item] : label of choice = "q_*" }
plate class(K)
param   weight               : simplex over class
param   p[class, item]       : simplex over choice // how a class answers an item
latent  z[person]            ~ Categorical(weight)
observe answer[person, item] ~ Categorical(p[z])
