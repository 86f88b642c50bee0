// Least absolute deviations: a regression whose noise is Laplace, so that single outliers move it little.
model robust_regression
data reading {
  year   : real
  volume : real // 10^8 cubic metres
}
param   a               : real
param   b               : real
param   s               : positive
observe volume[reading] ~ Laplace(a + b * (year - 1920), scale = s)
