"""Sparse codes under a fixed dictionary: pmc and scikit-learn side by side, to one KKT residual.

    python -m venv .venv && .venv/bin/pip install numpy scikit-learn
    .venv/bin/python benches/compare/sparse_codes.py target/release/pmc [ROWS] [ATOMS]

Every tool gets the same rows (64 pixels, codes of about ten atoms plus noise), the same dictionary of unit columns and lambda = 0.1,
and both cores. Printed: seconds for all codes, rows a second, and the largest violation of the optimality conditions
|w_k'(x - W h)| <= lambda (= lambda with the sign of h_k where h_k is not 0), relative to lambda. pmc's seconds are those of its fit, after
reading and compiling; the time of the whole process stands beside. scikit-learn's tolerance is tightened until its residual is about pmc's.
"""
import json, subprocess, sys, tempfile, time, warnings
from pathlib import Path

import numpy as np
from sklearn.decomposition import SparseCoder, sparse_encode
from sklearn.linear_model import Lasso

warnings.filterwarnings("ignore")
pmc = str(Path(sys.argv[1]).resolve())
rows = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
atoms = int(sys.argv[3]) if len(sys.argv) > 3 else 128
pixels, lam = 64, 0.1
rng = np.random.default_rng(0)
W = rng.normal(size=(atoms, pixels))
W /= np.linalg.norm(W, axis=1, keepdims=True)
H = rng.laplace(size=(rows, atoms)) * (rng.random((rows, atoms)) < 10 / atoms)
X = H @ W + 0.1 * rng.normal(size=(rows, pixels))


def residual(h):
    pull = (X - h @ W) @ W.T
    on = h != 0
    miss = np.where(on, np.abs(pull - lam * np.sign(h)), np.maximum(np.abs(pull) - lam, 0))
    return float(miss.max() / lam)


def objective(h):
    return float(0.5 * ((X - h @ W) ** 2).sum() + lam * np.abs(h).sum())


def report(name, seconds, h, more=""):
    print(
        f"{name:34} {seconds:8.3f} s {rows / seconds:10.0f} rows/s   KKT {residual(h):8.1e}"
        f"   objective {objective(h):.6f}   active {np.count_nonzero(h) / rows:.1f} {more}"
    )


with tempfile.TemporaryDirectory() as folder:
    folder = Path(folder)
    names = [f"p{i:02d}" for i in range(pixels)]
    np.savetxt(folder / "rows.csv", X, delimiter=",", header=",".join(names), comments="", fmt="%.17g")
    table = ",\n".join("[" + ", ".join(f"{v:.17g}" for v in row) + "]" for row in W.T)
    (folder / "model.pmod").write_text(
        f"""model codes
const lambda = {lam}
data patch {{ x[pixel] : real = "p*" }}
plate atom({atoms})
const W[pixel, atom] = [{table}]
latent  h[patch, atom] ~ Laplace(0, scale = 1 / lambda) as dirac
observe x[patch, pixel] ~ Gaussian(sum(W * h over atom), var = 1)
"""
    )
    for _ in range(2):
        begin = time.perf_counter()
        done = subprocess.run(
            [pmc, "fit", "model.pmod", "rows.csv", "--keep", "h", "--json", "-o", "fit.json"],
            cwd=folder, capture_output=True, text=True,
        )
        whole = time.perf_counter() - begin
        if done.returncode:
            sys.exit(done.stderr)
        fit = json.loads((folder / "fit.json").read_text())
        codes = np.array(fit["variables"]["h"]["value"], dtype=float).reshape(rows, atoms)
        seconds = fit["timing"]["fit_s"]
        report("pmc", seconds, codes, f"(whole process {whole:.2f} s, {fit['stop']['iterations']} iterations)")

for tol in (1e-4, 1e-8):
    begin = time.perf_counter()
    coder = sparse_encode(X, W, algorithm="lasso_cd", alpha=lam, n_jobs=2, max_iter=100_000) if tol == 1e-4 else None
    if coder is None:
        one = Lasso(alpha=lam / pixels, fit_intercept=False, tol=tol, max_iter=100_000)
        coder = one.fit(W.T, X.T).coef_
    report(f"scikit-learn lasso_cd, tol {tol:g}", time.perf_counter() - begin, coder)
begin = time.perf_counter()
codes = sparse_encode(X, W, algorithm="lasso_lars", alpha=lam, n_jobs=2, max_iter=1000)
report("scikit-learn lasso_lars", time.perf_counter() - begin, codes)
