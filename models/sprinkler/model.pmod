// The sprinkler network: a discrete Bayesian network; blank cells are the questions, filled cells the evidence.
model sprinkler
const p_sprinkler[binary]   = [0.5, 0.1]                 // by cloudy = 0, 1
const p_rain[binary]        = [0.2, 0.8]                 // by cloudy
const p_wet[binary, binary] = [[0, 0.9], [0.9, 0.99]]    // by sprinkler, rain
data day {
  cloudy    : binary
  sprinkler : binary
  rain      : binary
  wet       : binary
}
observe cloudy[day]    ~ Bernoulli(0.5)
observe sprinkler[day] ~ Bernoulli(p_sprinkler[cloudy])
observe rain[day]      ~ Bernoulli(p_rain[cloudy])
observe wet[day]       ~ Bernoulli(p_wet[sprinkler, rain])
