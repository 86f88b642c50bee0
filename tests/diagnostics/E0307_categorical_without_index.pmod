// error[E0307] 7:35
data token { doc : label   word : label }
plate topic(3)
param theta[topic] : simplex over word
param pi[doc] : simplex over topic
latent z[token] ~ Categorical(pi)
observe word[token] ~ Categorical(theta)
