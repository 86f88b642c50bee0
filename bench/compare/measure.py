"""Runs programs one at a time and takes their seconds, their memory and what they print."""
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time


class Failed(Exception):
    """A program that did not end well, with what it said."""


# A process of its own starts the programs: the system counts the memory of whoever starts one as that one's.
LAUNCHER = """
import json, os, subprocess, sys, time
for line in sys.stdin:
    command, out, err, environment = json.loads(line)
    with open(out, "wb") as o, open(err, "wb") as e:
        clock = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=o, stderr=e, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - clock
        process.returncode = os.waitstatus_to_exitcode(status)
    print(json.dumps([seconds, usage.ru_maxrss * 1024, process.returncode]), flush=True)
"""
launcher = None


def run(command, environment=None):
    """Wall seconds, peak memory in bytes, standard output and error."""
    global launcher
    if launcher is None:
        arguments = [sys.executable, "-c", LAUNCHER]
        launcher = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with tempfile.TemporaryDirectory() as folder:
        files = [os.path.join(folder, name) for name in ("out", "err")]
        launcher.stdin.write(json.dumps([[str(c) for c in command], *files, environment]) + "\n")
        launcher.stdin.flush()
        seconds, memory, code = json.loads(launcher.stdout.readline())
        texts = []
        for name in files:
            with open(name, "rb") as file:
                texts.append(file.read().decode(errors="replace"))
    if code != 0:
        raise Failed(f"{' '.join(map(str, command))}\n{texts[1][-2000:]}")
    return seconds, memory, *texts


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
