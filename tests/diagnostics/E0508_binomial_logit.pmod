// error[E0508] 4:39
data row { heads : count   tosses : count }
param   a : real
observe heads[row] ~ Binomial(logit = a, total = tosses)
