// error[E0508] 5:1
// error[E0508] 6:1
data image { v[pixel] : binary = rest }
param   b[pixel] : real
observe v[image, pixel]
potential[image, pixel] b * v
