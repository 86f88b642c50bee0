// error[E0302] 2:31
plate weather { sunny, rainy, sunny }
data day { weather : label }
param p : simplex over weather
observe weather[day] ~ Categorical(p)
