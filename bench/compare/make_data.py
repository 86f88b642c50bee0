"""Writes the workloads as CSV files: make_data.py FOLDER SCALE NAME...

Every file has its own generator with its own seed, so that one can be made without the others. SCALE multiplies the rows.
"""
import sys
from pathlib import Path

import numpy as np
import pandas as pd


def table(folder, name, columns, values, digits=6):
    frame = pd.DataFrame(dict(zip(columns, values)))
    frame.to_csv(folder / f"{name}.csv", index=False, float_format=f"%.{digits}f")


def clouds(rng, rows, width=10, clusters=10):
    """Clusters with covariances of their own, and a row at a time from one of them."""
    centres = rng.normal(0, 4, (clusters, width))
    shapes = np.eye(width) + rng.normal(0, 0.5, (clusters, width, width))
    while rows > 0:
        n = min(rows, 1_000_000)
        which = rng.integers(0, clusters, n)
        noise = rng.normal(size=(n, width))
        x = np.empty((n, width))
        for k in range(clusters):
            x[which == k] = centres[k] + noise[which == k] @ shapes[k].T
        yield x
        rows -= n


def gmm(folder, scale, name="gmm", rows=1_000_000):
    """10 columns of ten correlated clusters."""
    path = folder / f"{name}.csv"
    for i, x in enumerate(clouds(np.random.default_rng(1), int(rows * scale))):
        frame = pd.DataFrame(x, columns=[f"x{j}" for j in range(x.shape[1])])
        frame.to_csv(path, index=False, header=i == 0, mode="w" if i == 0 else "a", float_format="%.6f")


def hmm(folder, scale, steps=1000, states=8):
    """1000 sequences of 1000 steps, eight states that stay with probability 0.8 and more."""
    rng = np.random.default_rng(2)
    sequences = max(2, int(1000 * scale))
    move = 0.8 * np.eye(states) + 0.2 * rng.dirichlet(np.full(states, 0.3), states)
    bounds = move.cumsum(1)
    centres = rng.normal(0, 5, states)
    z = np.empty((sequences, steps), int)
    z[:, 0] = rng.integers(0, states, sequences)
    for t in range(1, steps):
        u = rng.random((sequences, 1))
        z[:, t] = np.minimum(states - 1, (u > bounds[z[:, t - 1]]).sum(1))
    y = centres[z] + rng.normal(size=z.shape)
    sessions = np.repeat([f"s{i}" for i in range(sequences)], steps)
    table(folder, "hmm", ["session", "t", "y"], [sessions, np.tile(np.arange(steps), sequences), y.ravel()])


def fa(folder, scale, width=50, factors=10):
    """100,000 rows of 50 columns: ten factors, a noise of its own in each column."""
    rng = np.random.default_rng(3)
    rows = int(100_000 * scale)
    loadings = rng.normal(size=(width, factors))
    x = rng.normal(size=(rows, factors)) @ loadings.T + rng.normal(size=(rows, width)) * rng.uniform(0.3, 1.5, width)
    table(folder, "fa", [f"x{j}" for j in range(width)], x.T)


def lda(folder, scale, words=10_000, topics=50):
    """20,000 documents of about 150 tokens over 10,000 words: pairs of document and word with their counts."""
    rng = np.random.default_rng(4)
    theta = rng.dirichlet(np.full(words, 0.02), topics)
    pairs = []
    for doc in range(max(10, int(20_000 * scale))):
        counts = rng.multinomial(rng.poisson(150), rng.dirichlet(np.full(topics, 0.1)) @ theta)
        word = np.flatnonzero(counts)
        pairs.append(np.stack([np.full(len(word), doc), word, counts[word]]))
    doc, word, count = np.concatenate(pairs, axis=1)
    names = [f"d{i}" for i in doc], [f"w{i}" for i in word], count
    table(folder, "lda", ["doc", "word", "count"], names)


def sparse(folder, scale, pixels=64, atoms=128):
    """20,000 patches of 64 pixels, sums of a tenth of 128 atoms and noise; and the atoms, of length 1."""
    rng = np.random.default_rng(5)
    rows = int(20_000 * scale)
    dictionary = rng.normal(size=(atoms, pixels))
    dictionary /= np.linalg.norm(dictionary, axis=1, keepdims=True)
    codes = rng.laplace(size=(rows, atoms)) * (rng.random((rows, atoms)) < 0.1)
    x = codes @ dictionary + 0.1 * rng.normal(size=(rows, pixels))
    table(folder, "sparse", [f"p{j:02d}" for j in range(pixels)], x.T)
    np.save(folder / "sparse_atoms.npy", dictionary)


def mf(folder, scale, users=2000, items=500, factors=5):
    """A tenth of the ratings of 500 items by 2000 users."""
    rng = np.random.default_rng(6)
    users = max(50, int(users * scale))
    stars = rng.normal(size=(users, factors)) @ rng.normal(size=(factors, items)) + 0.5 * rng.normal(size=(users, items))
    user, item = np.nonzero(rng.random(stars.shape) < 0.1)
    labels = [f"u{i:05d}" for i in user], [f"i{j:05d}" for j in item]
    table(folder, "mf", ["user", "item", "stars"], [*labels, stars[user, item]])


def mreg(folder, scale, width=10, lines=5):
    """100,000 rows, each on one of five hyperplanes over ten columns (the last is 1)."""
    rng = np.random.default_rng(7)
    rows = int(100_000 * scale)
    x = rng.normal(size=(rows, width))
    x[:, -1] = 1.0
    slopes = rng.normal(0, 3, (lines, width))
    which = rng.integers(0, lines, rows)
    y = (slopes[which] * x).sum(1) + 0.3 * rng.normal(size=rows)
    table(folder, "mreg", ["y"] + [f"x{j}" for j in range(width)], [y, *x.T])


WORKLOADS = {f.__name__: f for f in (gmm, hmm, fa, lda, sparse, mf, mreg)}

if __name__ == "__main__":
    folder, scale = Path(sys.argv[1]), float(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[3:]:
        if name.startswith("gmm_"):
            gmm(folder, 1.0, name, int(name[4:]))
        else:
            WORKLOADS[name](folder, scale)
