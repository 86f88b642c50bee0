// error[E0508] 6:30
data doc { n[word] : count = rest }
plate topic(2)
param   pi[doc]      : simplex over topic
param   theta[topic] : simplex over word
observe n[doc] ~ Multinomial(sum(pi * theta over topic)) over word
