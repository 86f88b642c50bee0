// error[E0407] 4:30
data row { won : binary   x : real }
param a : real
observe won[row] ~ Bernoulli(a * x)
