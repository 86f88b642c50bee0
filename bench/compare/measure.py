"""Runs programs one at a time and takes their seconds, their memory and what they print."""
import json
import os
import re
import statistics
import subprocess
import tempfile
import time


class Failed(Exception):
    """A program that did not end well, with what it said."""


def run(command, environment=None):
    """Wall seconds, peak memory in bytes, standard output and error."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        clock = time.perf_counter()
        process = subprocess.Popen([str(c) for c in command], stdout=out, stderr=err, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - clock
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    if process.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}\n{texts[1][-2000:]}")
    return seconds, usage.ru_maxrss * 1024, *texts


TIMINGS = re.compile(r"timings: (.*?) seconds; (\d+) iterations after the first: median (\S+),")


def fit(pmc, model, data, output, iterations, threads, start=None, more=()):
    """One `pmc fit`: seconds of the process and of its stages, memory, and the trace of its objective."""
    command = [pmc, "fit", model, data, "-o", output, "--quiet", "--timings", "--tol", 0, "--max-iter", iterations]
    command += ["--threads", threads, *more]
    if start and os.path.exists(start):
        command += ["--init", start]
    seconds, memory, _, said = run(command)
    stages = TIMINGS.search(said)
    if not stages:
        raise Failed(f"no timings in: {said}")
    parts = dict(part.split() for part in stages[1].split(", "))
    with open(output) as file:
        found = json.load(file)
    return {
        "seconds": seconds,
        "memory": memory,
        "median": float(stages[3]),
        "trace": found["objective"]["trace"],
        "first": found["objective"]["trace_start"],
        "variables": found["variables"],
        **{name: float(value) for name, value in parts.items()},
    }


def spread(values):
    """Median, least and most."""
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def machine():
    """The processor and the system, without names of hosts."""
    with open("/proc/cpuinfo") as file:
        lines = [line.split(":", 1) for line in file if ":" in line]
    first = {}
    for key, value in lines:
        first.setdefault(key.strip(), value.strip())
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) / 2**20
    sets = [s for s in ("avx2", "fma", "avx512f", "avx512dq") if s in first.get("flags", "").split()]
    cores = sum(key.strip() == "processor" for key, _ in lines)
    cache = first.get("cache size", "?")
    return f"{first.get('model name', '?')}, {cores} cores, {cache} of cache a core, {memory:.0f} GB, {' '.join(sets)}"
