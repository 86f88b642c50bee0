// error[E0315] 3:20
data token { doc : label   word : label   y : real }
let m[doc, word] = mean(y over token)
data pair { doc : label   word : label   n : real }
observe n[pair] ~ Gaussian(m, var = 1)
