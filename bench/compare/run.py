#!/usr/bin/env python3
"""pmc and other tools side by side: on the same file, from the same start, in turn.

    cargo build --release && python3 bench/compare/run.py --write

It makes a virtual environment and the data under target/bench (2 GB with the longest file), measures, keeps every figure in
target/bench/results.json, prints the table, and with --write puts it into docs/performance.md. `--only ROW ...` measures some
rows and leaves the others as they were; `--scale 0.05 --repeats 1` is a quick look. Names besides those in rows.py: process,
startup, check, threads, deterministic, length, product, memory.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import Failed, fit, machine, run, spread
from report import write
from rows import ROWS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def flat(nested):
    return [v for part in nested for v in flat(part)] if isinstance(nested, list) else [nested]


def distance(variable, other):
    """The largest difference between a fitted array and that of the peer, relative to the largest entry."""
    parameters = variable["parameters"]
    mine, theirs = flat(next(iter(parameters.values()))), flat(other)
    return max(abs(a - b) for a, b in zip(mine, theirs, strict=True)) / max(map(abs, theirs))


class Bench:
    def __init__(self, args):
        self.args = args
        self.folder = Path(args.folder).resolve()
        self.data = self.folder / f"data-{args.scale:g}"
        self.python = self.folder / "venv" / "bin" / "python"
        self.results = self.folder / f"results-{args.scale:g}.json"
        self.scratch = Path(tempfile.mkdtemp(dir=self.folder))
        self.found = json.loads(self.results.read_text()) if self.results.exists() else {}

    def prepare(self):
        """The virtual environment, where it is not there yet."""
        if not self.python.exists():
            print("making a virtual environment", flush=True)
            subprocess.run([sys.executable, "-m", "venv", self.folder / "venv"], check=True)
        stamp = self.folder / "venv" / "requirements.txt"
        wanted = (HERE / "requirements.txt").read_text()
        if not stamp.exists() or stamp.read_text() != wanted:
            subprocess.run([self.python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"], check=True)
            stamp.write_text(wanted)

    def script(self, name, *arguments):
        environment = {**os.environ, "OMP_NUM_THREADS": str(self.args.threads), "OPENBLAS_NUM_THREADS": str(self.args.threads)}
        return run([self.python, HERE / name, *arguments], environment)

    def csv(self, name):
        path = self.data / f"{name}.csv"
        if not path.exists():
            print(f"making {path.name}", flush=True)
            scaled = name
            if name.startswith("gmm_"):
                # The rows are in the name; a quick look takes fewer.
                rows = max(1000, int(int(name[4:]) * self.args.scale))
                scaled = f"gmm_{rows}"
            self.script("make_data.py", self.data, self.args.scale, scaled)
            if scaled != name:
                (self.data / f"{scaled}.csv").rename(path)
        return path

    def start(self, name):
        path = self.data / "start" / f"{name}.json"
        if not path.exists():
            self.script("starts.py", self.data, name)
        return path

    def model(self, row):
        path = HERE / "models" / f"{row.model}.pmod"
        if path.exists():
            return path
        # Sparse codes: the atoms stand in the model as a table.
        self.script("sparse_model.py", self.data)
        return self.data / f"{row.model}.pmod"

    def pmc(self, model, data, iterations, start=None, threads=None, more=()):
        out = self.scratch / "fit.json"
        return fit(self.args.pmc, model, data, out, iterations, threads or self.args.threads, start, more)

    def row(self, row):
        """A row of the table: pmc and its peer in turn."""
        data, start, model = self.csv(row.data), self.start(row.model), self.model(row)
        few, many = row.pmc
        ours, theirs, whole = [], [], []
        for _ in range(self.args.repeats):
            if row.once:
                one = self.pmc(model, data, 1, start)
                ours.append(one["start"] + one["iterations"])
            else:
                short, one = (self.pmc(model, data, n, start) for n in (few, many))
                ours.append((one["start"] + one["iterations"] - short["start"] - short["iterations"]) / (many - few))
            whole.append(one["seconds"])
            arguments = [row.name, self.data, row.few, row.many, self.args.threads, self.scratch / "fit.json"]
            _, _, out, _ = self.script("peers.py", *arguments)
            peer = json.loads(out.strip().splitlines()[-1])
            theirs.append((peer["many"] - peer["few"]) / (1 if row.once else row.many - row.few))
        result = {
            "ours": spread(ours),
            "theirs": spread(theirs),
            "whole": spread(whole),
            "ratio": spread(theirs)["median"] / spread(ours)["median"],
            **self.agreement(row, one, peer),
        }
        return result

    def agreement(self, row, one, peer):
        """Both objectives where the peer defines the same one, and whether they agree."""
        trace, at = one["trace"], peer.get("at")
        out = {k: v for k, v in peer.items() if k in ("perplexity", "perplexity_pmc")}
        if "results" in peer:
            out["results"] = max(distance(one["variables"][name], value) for name, value in peer["results"].items())
            out["agree"] = out["results"] <= row.tolerance
        if peer["objective"] is None:
            return out
        mine = trace[-1] if at == "maximum" else trace[at - one["first"]]
        difference = abs(mine - peer["objective"]) / abs(peer["objective"])
        return {**out, "objective": mine, "peer_objective": peer["objective"], "difference": difference, "agree": difference <= row.tolerance}

    def process(self):
        """Whole processes, reading and writing included: ten iterations of gmm_full."""
        data, start = self.csv("gmm"), self.start("gmm_full")
        model = HERE / "models" / "gmm_full.pmod"
        ours, theirs = [], []
        for _ in range(self.args.repeats):
            ours.append(self.pmc(model, data, 10, start)["seconds"])
            theirs.append(self.script("whole_process.py", self.data, 10)[0])
        return {"ours": spread(ours), "theirs": spread(theirs), "ratio": spread(theirs)["median"] / spread(ours)["median"]}

    def startup(self):
        """From the start of the process to the fit file, for a file of a few hundred rows."""
        folder, out = ROOT / "models" / "gmm", self.scratch / "fit.json"
        command = [self.args.pmc, "fit", folder / "model.pmod", folder / "data.csv", "-o", out, "--quiet"]
        return spread([run(command)[0] for _ in range(max(5, 5 * self.args.repeats))])

    def check(self):
        """`pmc check` of every model of the repository."""
        out = {}
        for model in sorted((ROOT / "models").glob("*/model.pmod")):
            times = [run([self.args.pmc, "check", model])[0] for _ in range(max(3, self.args.repeats))]
            out[model.parent.name] = spread(times)["median"]
        return out

    def threads(self):
        """Seconds of an iteration with one thread and more."""
        data, start = self.csv("gmm"), self.start("gmm_full")
        counts = sorted({1, 2, self.args.threads})
        model = HERE / "models" / "gmm_full.pmod"
        median = lambda n: spread([self.pmc(model, data, 12, start, n)["median"] for _ in range(self.args.repeats)])["median"]
        return {str(n): median(n) for n in counts}

    def deterministic(self):
        """Seconds of an iteration with the fastest instructions, and with the same bits everywhere."""
        out = {}
        for row in (r for r in ROWS if r.name in ("gmm_full", "hmm", "lda")):
            data, start, model = self.csv(row.data), self.start(row.name), self.model(row)
            for how, more in (("fast", []), ("same", ["--deterministic"])):
                one = [self.pmc(model, data, 8, start, more=more)["median"] for _ in range(self.args.repeats)]
                out.setdefault(row.name, {})[how] = spread(one)["median"]
        return out

    def length(self):
        """Seconds of an iteration and of the whole process by the number of rows."""
        out = {}
        for rows in (10_000, 100_000, 1_000_000, 10_000_000):
            data = self.csv(f"gmm_{rows}")
            one = [self.pmc(HERE / "models" / "gmm_full.pmod", data, 10, self.start("gmm_full")) for _ in range(self.args.repeats)]
            actual = max(1000, int(rows * self.args.scale))
            out[str(actual)] = {
                "iteration": spread([o["median"] for o in one])["median"],
                "whole": spread([o["seconds"] for o in one])["median"],
                "memory": max(o["memory"] for o in one),
            }
        return out

    def product(self):
        """Operations a second of an iteration of gmm_full, of which nothing but its two products is counted, and of numpy's product.

        A row has 66 features: 1, ten numbers and their 55 products with each other. Each meets ten clusters in the E-step and
        in the M-step.
        """
        model, data, start = HERE / "models" / "gmm_full.pmod", self.csv("gmm"), self.start("gmm_full")
        rows = int(1_000_000 * self.args.scale)
        one = [self.pmc(model, data, 20, start)["median"] for _ in range(self.args.repeats)]
        theirs = [float(self.script("product_rate.py", 1000)[2]) for _ in range(self.args.repeats)]
        ours = rows * 66 * 10 * 2 * 2 / spread(one)["median"]
        return {"ours": ours, "theirs": spread(theirs)["median"]}

    def memory(self):
        """Peak memory of gmm_full with few and many clusters, against the parsed columns."""
        data, model = self.csv("gmm"), HERE / "models" / "gmm_full.pmod"
        rows = int(1_000_000 * self.args.scale)
        peak = lambda k: self.pmc(model, data, 2, more=["--set", f"K={k}"])["memory"]
        return {"columns": rows * 10 * 8, "10": peak(10), "200": peak(200)}

    def measure(self, names):
        rows = {row.name: row for row in ROWS}
        failed = []
        for name in names:
            print(f"{name} ...", end=" ", flush=True)
            try:
                self.found[name] = self.row(rows[name]) if name in rows else getattr(self, name)()
            except Failed as e:
                failed.append(name)
                print(f"failed: {e}", flush=True)
                continue
            print(json.dumps(self.found[name]), flush=True)
            self.results.write_text(json.dumps(self.found, indent=1))
        return failed

    def versions(self):
        packages = [line.split("==") for line in (HERE / "requirements.txt").read_text().split()]
        python = run([self.python, "--version"])[2].strip()
        shown = [f"{name} {version}" for name, version in packages if name not in ("matplotlib",)]
        return [run([self.args.pmc, "--version"])[2].strip(), python, *shown]


SECTIONS = ["process", "startup", "check", "threads", "deterministic", "length", "product", "memory"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pmc", default=ROOT / "target" / "release" / "pmc")
    parser.add_argument("--folder", default=ROOT / "target" / "bench", help="environment, data and results")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--scale", type=float, default=1.0, help="of the rows")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=[r.name for r in ROWS] + SECTIONS)
    parser.add_argument("--write", action="store_true", help="the page and the plot in docs")
    args = parser.parse_args()
    args.pmc = Path(args.pmc).resolve()
    Path(args.folder).mkdir(parents=True, exist_ok=True)
    bench = Bench(args)
    bench.prepare()
    failed = bench.measure(args.only or [r.name for r in ROWS] + SECTIONS)
    page = write(bench.found, machine(), bench.versions(), args)
    print(page)
    if args.write:
        (ROOT / "docs" / "performance.md").write_text(page)
        bench.script("plot.py", bench.results, ROOT / "docs" / "performance-scaling.svg")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
