"""docs/performance.md from the figures."""
from rows import ROWS

INTRO = """# Performance

Times on one machine, side by side with other tools: the same file, the same start where the other tool takes one, the same number of
iterations. Made by `{command}`, which generates the data, runs pmc and the other tool in turn, and checks that the
objectives agree where both define the same one.

Machine: {machine}. {threads} threads for each. {versions}.
{scale}
"""

TABLE = """
## An iteration

The time of an iteration is the difference of two fits with different numbers of iterations, over the difference of these numbers:
reading, binding and starting are not in it. Median of {repeats} runs or more, least and most in brackets. "Ratio" is the other tool's median
over that of pmc; "goal" is what was set beforehand, at least and aim.

| work | other tool | its time | pmc | ratio | goal | objectives |
| --- | --- | --- | --- | --- | --- | --- |
"""


def time(seconds):
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size or unit == "us":
            return f"{seconds / size:.3g} {unit}"


def times(s):
    return f"{time(s['median'])} ({time(s['least'])} - {time(s['most'])})"


def objectives(r):
    """What is known of the agreement, in words."""
    if "difference" in r:
        verdict = "agree" if r["agree"] else "DIFFER"
        return f"{r['objective']:.10g}, {r['peer_objective']:.10g}: {verdict} ({r['difference']:.1e})"
    if "results" in r:
        return f"results {'agree' if r['agree'] else 'DIFFER'} ({r['results']:.1e})"
    if "perplexity_pmc" in r:
        return f"perplexity {r['perplexity_pmc']:.5g}, {r['perplexity']:.5g}"
    return ""


def write(found, machine, versions, args):
    quick = f"\nThe data were scaled by {args.scale:g}: a quick look, not the figures that count.\n" if args.scale != 1 else ""
    page = INTRO.format(
        command="python3 bench/compare/run.py --write", machine=machine, threads=args.threads, versions=", ".join(versions), scale=quick
    )
    page += TABLE.format(repeats=args.repeats)
    for row in ROWS:
        r = found.get(row.name)
        if not r:
            continue
        goal = f"{row.ratio[0]:g} / {row.ratio[1]:g}" if row.ratio[0] else ""
        cells = [row.work, row.peer, times(r["theirs"]), times(r["ours"]), f"{r['ratio']:.1f}", goal, objectives(r)]
        page += f"| {' | '.join(cells)} |\n"
    page += """
Objectives: pmc's and the other tool's after the same number of iterations and their relative difference. Factor analysis goes another way
there, and the codes are solved for, so maxima are compared. The bound of BayesianGaussianMixture lacks constants, so means and
concentrations are compared. In LDA each tool starts at random: compared is the perplexity of both tables of topics by the other tool's function.
"""
    if p := found.get("process"):
        page += f"""
## Whole processes

Gaussian mixture with full covariances, ten iterations, from the start of the process to its result, reading the CSV file included:
pmc {times(p['ours'])}, scikit-learn with pandas {times(p['theirs'])}; ratio {p['ratio']:.1f} (goal 10 / 15).
"""
    if s := found.get("startup"):
        page += f"\nA file of 150 rows (`models/gmm`), from the start of the process to the fit file: {times(s)}.\n"
    if c := found.get("check"):
        slowest = max(c, key=c.get)
        middle = sorted(c.values())[len(c) // 2]
        page += f"\n`pmc check` of the {len(c)} models of this repository: median {time(middle)}, most {time(c[slowest])} (`{slowest}`).\n"
    page += scaling(found)
    return page


def scaling(found):
    page = ""
    if t := found.get("threads"):
        page += "\n## Scaling\n\nGaussian mixture with full covariances, an iteration: " + ", ".join(
            f"{time(s)} with {n} thread{'s' if n != '1' else ''}" for n, s in t.items()
        ) + f": {t['1'] / t['2']:.2f} times faster with two.\n"
    if d := found.get("deterministic"):
        page += "\nAn iteration, and one with `--deterministic`: " + ", ".join(
            f"{name} {time(t['fast'])} and {time(t['same'])}" for name, t in d.items()
        ) + ".\n"
    if rows := found.get("length"):
        page += "\n| rows | an iteration | for each row | whole process, 10 iterations | peak memory |\n| --- | --- | --- | --- | --- |\n"
        for n, r in rows.items():
            each = r["iteration"] / int(n)
            page += f"| {int(n):,} | {time(r['iteration'])} | {each * 1e9:.1f} ns | {time(r['whole'])} | {r['memory'] / 1e6:.0f} MB |\n"
        page += "\n![time by rows](performance-scaling.svg)\n"
    if r := found.get("product"):
        page += f"\nA whole iteration runs at {r['ours'] / 1e9:.0f} GFLOP/s, counting the two matrix products of the Gaussian mixture alone "
        page += f"(66 features by 10 clusters for each row, twice); numpy's product of 1000 by 1000 numbers runs at {r['theirs'] / 1e9:.0f} "
        page += f"GFLOP/s: a share of {r['ours'] / r['theirs']:.0%}.\n"
    if m := found.get("memory"):
        share = lambda k: f"{m[k] / 1e6:.0f} MB, {m[k] / m['columns']:.2f} times the columns"
        page += f"\nPeak memory, of columns of {m['columns'] / 1e6:.0f} MB: {share('10')}; with K = 200 {share('200')}.\n"
    return page
