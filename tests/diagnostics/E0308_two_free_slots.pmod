// error[E0308] 6:31
data row { y : real }
plate dim(2)
param A[dim, dim] : real
param b[dim] : real
observe y[row] ~ Gaussian(sum(A * b over dim), var = 1)
