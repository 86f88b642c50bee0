// error[E0508] 5:1
// data: a,b | 1,2 | 3, | 2,1
data row { n[word] : count = rest }
param   p : simplex over word
observe n[row] ~ Multinomial(p) over word
