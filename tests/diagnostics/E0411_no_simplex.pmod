// error[E0411] 5:35
plate season { winter, summer }
const p over season = [0.5, 0.6]
data day { season : label }
observe season[day] ~ Categorical(p)
