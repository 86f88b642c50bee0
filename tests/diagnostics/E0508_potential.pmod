// error[?]
data image { v[pixel] : binary = rest }
param   b[pixel] : real
observe v[image, pixel]
potential[image, pixel] b * v
