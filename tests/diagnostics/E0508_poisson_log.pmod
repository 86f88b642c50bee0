// error[E0508] 4:26
data row { n : count   x : real }
param   w : real
observe n[row] ~ Poisson(exp(w * x))
