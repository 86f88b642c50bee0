// The local level model (Bishop 13.3): a level that wanders, measured with noise. Kalman smoother inside EM.
model local_level
data step ordered by year { volume : real } // a blank year is bridged
param   q            : positive             // how far the level moves in a year, variance
param   r            : positive             // measurement noise, variance
latent  level[step]  ~ Gaussian(level[step-1], var = q) first Gaussian(1000, var = 1e5)
observe volume[step] ~ Gaussian(level, var = r)
