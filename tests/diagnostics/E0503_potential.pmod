// error[E0503] 5:1
data image { v[pixel] : binary = rest }
param   b[pixel] : real
observe v[image, pixel]
potential[image, pixel] b * v
