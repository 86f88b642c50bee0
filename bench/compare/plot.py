"""The plot of time by rows: plot.py RESULTS SVG."""
import json
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "pmc"
import matplotlib.pyplot as plt

with open(sys.argv[1]) as file:
    found = json.load(file).get("length")
if found:
    rows = sorted(map(int, found))
    figure, axes = plt.subplots(figsize=(6, 4))
    for key, label, marker in (("iteration", "an iteration", "o"), ("whole", "whole process, 10 iterations", "s")):
        axes.loglog(rows, [found[str(n)][key] for n in rows], marker=marker, label=label)
    first = found[str(rows[-1])]["iteration"] / rows[-1]
    axes.loglog(rows, [first * n for n in rows], color="grey", linestyle=":", label="in proportion to the rows")
    axes.set_xlabel("rows")
    axes.set_ylabel("seconds")
    axes.set_title("Gaussian mixture, full covariances, 10 columns, K = 10")
    axes.grid(True, which="major", alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(sys.argv[2], metadata={"Date": None})
