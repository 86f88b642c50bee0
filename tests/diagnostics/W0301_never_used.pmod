// warning[W0301] 5:7
// warning[W0301] 6:7
// warning[W0301] 8:5
// warning[W0301] 9:7
const K = 3
plate group(2)
data row { y : real }
let x[row] = y ^ 2
param mu : real
observe y[row] ~ Gaussian(0, var = 1)
