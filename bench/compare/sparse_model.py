"""Writes the model of sparse codes, with its atoms as a table: sparse_model.py FOLDER."""
import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
atoms = np.load(folder / "sparse_atoms.npy")
table = ",\n  ".join("[" + ", ".join(repr(float(v)) for v in pixel) + "]" for pixel in atoms.T)
(folder / "sparse.pmod").write_text(
    f"""model sparse_codes
data patch {{ x[pixel] : real = "p*" }}
plate atom({len(atoms)})
const W[pixel, atom] = [{table}]
latent  h[patch, atom]  ~ Laplace(0, rate = 0.1) as dirac
observe x[patch, pixel] ~ Gaussian(sum(W * h over atom), var = 1)
"""
)
