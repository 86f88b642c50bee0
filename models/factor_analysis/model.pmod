// Factor analysis (Bishop 12.2.4): a few abilities explain why marks go together; each exam has noise of its own.
model factor_analysis
data pupil { mark[exam] : real = (english, french, history, algebra, geometry, physics) }
plate factor(2)
latent  ability[pupil, factor] ~ Gaussian(0, var = 1)
param   W[exam, factor]        : real     // loadings: how much an exam asks of an ability
param   b[exam]                : real     // mean mark
param   noise[exam]            : positive // what no ability explains, exam by exam
observe mark[pupil, exam]      ~ Gaussian(sum(W * ability over factor) + b, var = noise)
