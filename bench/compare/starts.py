"""Starting values that pmc and its peer share: starts.py FOLDER NAME...

Written to FOLDER/start: NAME.json as `pmc fit --init` reads it, NAME.npz for the peer.
"""
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd


def rows_of(folder, name, k, columns=None):
    """The table and k of its rows, the same at every call."""
    x = pd.read_csv(folder / f"{name}.csv")
    x = (x if columns is None else x[columns]).to_numpy()
    return x, x[np.random.default_rng(0).choice(len(x), k, replace=False)]


def nearest(x, centres):
    return ((x[:, None, :] - centres[None]) ** 2).sum(2).argmin(1) if len(x) < 50_000 else np.concatenate(
        [nearest(part, centres) for part in np.array_split(x, len(x) // 20_000)]
    )


def gmm_full(folder):
    x, mu = rows_of(folder, "gmm", 10)
    return {"weight": np.full(10, 0.1), "mu": mu, "Sigma": np.stack([np.cov(x.T)] * 10)}


def gmm_diag(folder):
    x, mu = rows_of(folder, "gmm", 20)
    return {"weight": np.full(20, 0.05), "mu": mu, "s2": np.tile(x.var(0), (20, 1))}


def hmm(folder):
    y, _ = rows_of(folder, "hmm", 1, ["y"])
    mu = np.quantile(y, (np.arange(8) + 0.5) / 8)
    move = np.full((8, 8), 0.5 / 7) + (0.5 - 0.5 / 7) * np.eye(8)
    return {"start": np.full(8, 1 / 8), "move": move, "mu": mu, "s2": np.full(8, y.var() / 8)}


def labels(folder, name, k):
    x, centres = rows_of(folder, name, k)
    return {"z": nearest(x, centres)}


def mreg(folder):
    return {"z": np.random.default_rng(0).integers(0, 5, len(pd.read_csv(folder / "mreg.csv", usecols=["y"])))}


def loadings(folder):
    return {"W": np.random.default_rng(0).normal(size=(50, 10))}


def with_relevance(folder):
    """BayesPy begins with precisions at their priors."""
    prior = lambda *shape: {"shape": np.full(shape, 1e-3), "rate": np.full(shape, 1e-3)}
    return {**loadings(folder), "alpha": prior(10), "tau": prior()}


def mf(folder):
    """The factors of users are updated first."""
    items = pd.read_csv(folder / "mf.csv", usecols=["item"]).item.nunique()
    return {"v": np.random.default_rng(0).normal(size=(items, 5))}


STARTS = {
    "gmm_full": gmm_full,
    "gmm_diag": gmm_diag,
    "hmm": hmm,
    "bgmm_full": lambda folder: labels(folder, "gmm", 10),
    "bgmm": lambda folder: labels(folder, "gmm_100000", 10),
    "bpca": with_relevance,
    "ppca": loadings,
    "mf": mf,
    "mreg": mreg,
}


def plain(name, value):
    """As `--init` reads it: the elements of a discrete latent are labels."""
    if isinstance(value, dict):
        return {k: v.tolist() for k, v in value.items()}
    return {"label": value.tolist()} if name == "z" else value.tolist()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "start").mkdir(exist_ok=True)
    for name in sys.argv[2:]:
        if name in STARTS:
            values = STARTS[name](folder)
            arrays = {k: v for k, v in values.items() if not isinstance(v, dict)}
            np.savez(folder / "start" / f"{name}.npz", **arrays)
            (folder / "start" / f"{name}.json").write_text(json.dumps({k: plain(k, v) for k, v in values.items()}))
