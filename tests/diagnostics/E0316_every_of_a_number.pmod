// error[E0316] 2:23
data cell every user, n { user : label   n : count else 0 }
observe n[cell] ~ Poisson(1)
