// error[E0408] 3:9
data token { word : label   n : weight }
observe n[token] ~ Gamma(1, rate = 1)
