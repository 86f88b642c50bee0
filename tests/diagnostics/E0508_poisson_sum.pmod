// error[E0508] 6:27
data cell { user : label   item : label   n : count }
plate factor(3)
latent  u[user, factor] ~ Gamma(1, rate = 1)
latent  v[item, factor] ~ Gamma(1, rate = 1)
observe n[cell] ~ Poisson(sum(u * v over factor))
