// warning[W0502] 5:9
// data: side | a | b | a
plate   side { a, b, c }
data row { side : label }
param   p ~ Dirichlet(0.5) over side
observe side[row] ~ Categorical(p)
