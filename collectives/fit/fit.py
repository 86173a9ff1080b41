#!/usr/bin/env python3
"""Fits the constants of collectives/model_constants.inc to the nccl-tests sweeps in
tests/collectives/data, from which every sweep with role `fit` and quality `ok` or `large-only` is
used, and prints the errors on the held-out ones.

usage: fit.py [--write] [--restarts N] [--report]

Builds collectives/fit/evaluate.cpp (the same price() that the simulator calls) and searches one
constant after the other for the least mean |log(predicted / measured)|, plus a small pull towards
the value it started from, which decides where the data say nothing.
Deterministic. Needs g++ and the Python standard library; takes a few minutes.
"""
import glob
import math
import os
import subprocess
import sys
import tempfile
from collections import Counter
from random import Random

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = os.path.join(ROOT, "tests", "collectives", "data")
INC = os.path.join(ROOT, "collectives", "model_constants.inc")
START = os.path.join(ROOT, "collectives", "fit", "start.txt")
PULL = 0.002  # weight of (ln value - ln start)^2 against the mean error
SMALL = 16 << 20  # bytes: the two size bands of the targets


def build(folder):
    out = os.path.join(folder, "evaluate")
    sources = glob.glob(os.path.join(ROOT, "collectives", "*.cpp"))
    sources += glob.glob(os.path.join(ROOT, "collectives", "fit", "*.cpp"))
    subprocess.run(["g++", "-std=c++20", "-O2", "-ffp-contract=off", "-I", ROOT, *sources,
                    "-o", out], check=True)
    return out


class Model:
    def __init__(self, program):
        self.process = subprocess.Popen([program, DATA], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.rows, self.fields, self.points, self.pinned = {}, {}, {}, {}
        while True:
            words = self.process.stdout.readline().split()
            if words[0] == "ready":
                break
            if words[0] == "constant":
                self.rows.setdefault(words[1], []).append(float(words[3]))
                self.fields.setdefault(words[1], []).append(words[2])
            else:
                point = (*words[2:6], int(words[7]), float(words[8]))
                self.points.setdefault(words[6], []).append(point)

    def predict(self, row, values):
        self.process.stdin.write(row + " " + " ".join("%.9g" % v for v in values) + "\n")
        self.process.stdin.flush()
        return [float(x) for x in self.process.stdout.readline().split()]


def weights(points):
    """Repeated sweeps of one group count once; one of many points more than one of few, but by the
    root of their number."""
    used = [p[2] == "fit" and p[3] in ("ok", "large-only") for p in points]
    shapes = Counter(p[0] for p, use in zip(points, used) if use)
    return [shapes[p[0]] ** -0.5 if use else 0.0 for p, use in zip(points, used)]


class RowFit:
    def __init__(self, model, row):
        self.model, self.row = model, row
        self.start = list(model.rows[row])
        self.points = model.points.get(row, [])
        self.weight = weights(self.points)
        self.pinned = model.pinned[row]
        self.rate = [field.endswith("efficiency") for field in model.fields[row]]

    def loss(self, values):
        if any(r and v > 1.0 for r, v in zip(self.rate, values)):
            return math.inf
        total = 0.0
        for predicted, point, weight in zip(self.model.predict(self.row, values), self.points,
                                            self.weight):
            if weight:
                total += weight * min(abs(math.log(predicted / point[5])), 1.0)
        pull = sum(math.log(v / s) ** 2 for v, s in zip(values, self.start) if s)
        return total / sum(self.weight) + PULL * pull

    def descend(self, values, best, first_step):
        step = [first_step] * len(values)
        while max(step) > 0.01:
            for i in range(len(values)):
                if step[i] <= 0.01 or self.pinned[i]:
                    step[i] = 0.0
                    continue
                improved = False
                for factor in (1 + step[i], 1 / (1 + step[i])):
                    trial = values[:i] + [values[i] * factor] + values[i + 1:]
                    loss = self.loss(trial)
                    if loss < best - 1e-7:
                        best, values, improved = loss, trial, True
                        break
                step[i] = min(0.5, step[i] * 1.3) if improved else step[i] * 0.5
        return values, best

    def search(self, restarts):
        """Coordinate descent, then again from random places around the best one."""
        if not any(self.weight):
            return self.start
        random = Random(1)
        values, best = self.descend(list(self.start), self.loss(self.start), 0.5)
        for _ in range(restarts):
            trial = [v * math.exp(random.gauss(0.0, 0.4)) for v in values]
            trial = [min(v, 1.0) if r else v for v, r in zip(trial, self.rate)]
            trial = [s if p else v for s, p, v in zip(self.start, self.pinned, trial)]
            trial, loss = self.descend(trial, self.loss(trial), 0.3)
            if loss < best:
                values, best = trial, loss
        print("%-18s loss %.4f" % (self.row, best), file=sys.stderr)
        return values


def report(model):
    cells = {}
    for row, points in model.points.items():
        for predicted, point in zip(model.predict(row, model.rows[row]), points):
            _, system, role, quality, size, measured = point
            if quality != "ok":
                continue
            error = abs(predicted / measured - 1)
            for key in ((role, "all systems"), (role, system)):
                cells.setdefault(key, ([], []))[size >= SMALL].append(error)
    text = lambda v: "%6.1f %% of %4d" % (100 * sum(v) / len(v), len(v)) if v else "-"
    print("%-13s %-20s %18s %18s" % ("role", "system", "< 16 MiB", ">= 16 MiB"))
    for (role, system), (small, large) in sorted(cells.items()):
        print("%-13s %-20s %18s %18s" % (role, system, text(small), text(large)))


def write(model):
    lines = ["// Written by collectives/fit/fit.py from the sweeps in tests/collectives/data.",
             "// clang-format off", ".devices = {"]
    text = lambda row: "    {\"%s\", {%s}}," % (row, ", ".join("%.4g" % v
                                                             for v in model.rows[row]))
    lines += [text(row) for row in model.rows if "/" not in row] + ["},", ".networks = {"]
    lines += [text(row) for row in model.rows if "/" in row]
    with open(INC, "w") as file:
        file.write("\n".join(lines + ["},", "// clang-format on", ""]))


def main():
    restarts = int(sys.argv[sys.argv.index("--restarts") + 1]) if "--restarts" in sys.argv else 40
    with tempfile.TemporaryDirectory() as folder:
        model = Model(build(folder))
        if "--report" not in sys.argv:
            with open(START) as file:
                for words in (line.split() for line in file if line[0] != "#"):
                    model.rows[words[0]] = [float(word.lstrip("=")) for word in words[1:]]
                    model.pinned[words[0]] = [word[0] == "=" for word in words[1:]]
            for row in model.rows:
                model.predict(row, model.rows[row])
            for row in model.rows:  # devices first: networks build on them
                model.rows[row] = RowFit(model, row).search(restarts)
                model.predict(row, model.rows[row])
        report(model)
        if "--write" in sys.argv:
            write(model)


main()
