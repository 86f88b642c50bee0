// error[E0508] 4:47
data flower { species : label   x[feature] : real = rest }
param   w[species, feature] : real
observe species[flower] ~ Categorical(logit = sum(w * x over feature)) over species
