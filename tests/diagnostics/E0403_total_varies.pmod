// error[E0403] 4:41
data row { n[side] : count = rest   m[side] : count = "m_*" }
param p : simplex over side
observe n[row] ~ Multinomial(p, total = m) over side
