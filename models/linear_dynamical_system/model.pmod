// Linear dynamical system (Bishop 13.3): a hidden state that turns and decays, seen by noisy sensors. Kalman smoother in EM.
model linear_dynamical_system
data step ordered by t { y[sensor] : real = "y_*" }
plate dim(2)
param   A[dim, dim]       : real     // how the state moves on
param   C[sensor, dim]    : real     // what a sensor sees of it
param   q                 : positive // how much chance pushes it
param   r[sensor]         : positive // noise of a sensor
latent  h[step, i in dim] ~ Gaussian(sum(A[i, j] * h[step-1, j] over j in dim), var = q) first Gaussian(0, var = 1)
observe y[step, sensor]   ~ Gaussian(sum(C * h over dim), var = r)
