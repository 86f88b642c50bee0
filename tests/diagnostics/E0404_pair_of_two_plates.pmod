// error[E0404] 2:21
data pair every a < b { a : label of user   b : label of item   n : count else 0 }
observe n[pair] ~ Poisson(1)
