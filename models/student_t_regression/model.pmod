// Regression with Student-t noise: a Gaussian whose precision each row draws for itself; nu says how heavy the tails are.
model student_t_regression
data wine {
  magnesium : real
  alcohol   : real
}
param   a               : real
param   b               : real
param   s               : positive
param   nu              : positive
observe magnesium[wine] ~ StudentT(nu, a + b * (alcohol - 13), scale = s)
