"""A whole process of the peer: whole_process.py FOLDER ITERATIONS reads gmm.csv and fits gmm_full from its start."""
import os
import sys
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import pandas as pd
from sklearn.mixture import GaussianMixture

folder, iterations = sys.argv[1], int(sys.argv[2])
x = pd.read_csv(os.path.join(folder, "gmm.csv")).to_numpy()
s = np.load(os.path.join(folder, "start", "gmm_full.npz"))
m = GaussianMixture(
    10, max_iter=iterations, tol=0, reg_covar=0, init_params="random_from_data", weights_init=s["weight"],
    means_init=s["mu"], precisions_init=np.linalg.inv(s["Sigma"]), random_state=0,
)
m.fit(x)
np.savez(os.path.join(folder, "whole_process.npz"), weights=m.weights_, means=m.means_, covariances=m.covariances_)
