// error[E0316] 2:23
data cell every user, items {
  user : label
  item : label
  n : count else 0
}
observe n[cell] ~ Poisson(1)
