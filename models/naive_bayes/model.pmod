// Naive Bayes with a partly blank class column: known classes are used, blank ones inferred.
model naive_bayes
data bird {
  species    : label // blank where nobody said
  sex        : label
  x[feature] : real = (wing_mm, bill_mm, mass_g)
}
param   prior                : simplex over species
param   p[species]           : simplex over sex
param   mu[species, feature] : real
param   s2[species, feature] : positive
observe species[bird]        ~ Categorical(prior)
observe sex[bird]            ~ Categorical(p[species])
observe x[bird, feature]     ~ Gaussian(mu[species], var = s2[species])
