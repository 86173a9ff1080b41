"""The GEMM cost model of models/gemm.cpp, and its fit.

Three limits: tiles and waves at the kernel's own rate, the device's sustained (power-limited)
rate, and memory. The epilogue's output traffic is partly exposed.
"""
import csv
import math
import os

from search import coordinate_search, mean

HERE = os.path.dirname(os.path.abspath(__file__))
TILES = [(256, 128), (128, 256), (128, 128), (256, 64), (64, 256), (128, 64), (64, 128), (64, 64)]
BLACKWELL_TILES = [(256, 256)] + TILES
OPERAND = {'bf16': 2.0, 'fp16': 2.0, 'fp8': 1.0, 'fp4': 0.5}
# Kernel rate against peak, overhead of a wave (us), smoothing of waves, relative rate of 128x128
# tiles and of smaller ones, exposed part of the output traffic.
START = [0.88, 2.5, 0.2, 0.9, 0.7, 0.4]
STEPS = [0.03, 0.5, 0.15, 0.05, 0.08, 0.2]
BOUNDS = [(0.5, 0.98), (0.0, 8.0), (0.0, 1.0), (0.5, 1.0), (0.3, 1.0), (0.0, 1.0)]


def load(devices):
    rows = []
    with open(os.path.join(HERE, 'gemm.csv')) as file:
        for row in csv.DictReader(file):
            for key in ('m', 'n', 'k', 'groups', 'fp32_accumulate'):
                row[key] = int(row[key])
            row['facts'] = devices[row['device']]
            row['flops'] = 2.0 * row['m'] * row['n'] * row['k'] * row['groups']
            row['seconds'] = row['flops'] / (float(row['tflops']) * 1e12)
            rows.append(row)
    return rows


def ceil_div(a, b):
    return -(-a // b)


def tiled_seconds(row, params, bandwidth):
    kernel, overhead, smoothing, medium, small, _ = params
    facts, m, n, k, groups = row['facts'], row['m'], row['n'], row['k'], row['groups']
    sms = facts['sm_count']
    peak = facts['peak'][row['precision']]
    tiles = BLACKWELL_TILES if facts['architecture'] == 'blackwell' else TILES
    best = math.inf
    for rows, columns in tiles:
        area = rows * columns
        rate = peak * kernel * (1.0 if area > 16384 else medium if area == 16384 else small)
        count = ceil_div(m, rows) * ceil_div(n, columns) * groups
        split = 1
        while split == 1 or (split <= 16 and count * split <= sms and k // split >= 256):
            even = count * split / sms
            waves = max(1.0, (1 - smoothing) * math.ceil(even) + smoothing * even)
            time = waves * (2.0 * area * ceil_div(k, split) * sms / rate + overhead * 1e-6)
            if split > 1:
                time += split * 8.0 * m * n * groups / bandwidth
            best = min(best, time)
            split *= 2
    return best


def predict(row, params, sustained):
    facts, m, n, k, groups = row['facts'], row['m'], row['n'], row['k'], row['groups']
    bandwidth = facts['memory_bandwidth'] * float(facts['memory_efficiency'].split()[0])
    output = (8.0 if row['fp32_accumulate'] else 2.0) * m * n * groups
    traffic = OPERAND[row['precision']] * groups * (m * k + k * n) + output
    limit = row['flops'] / (facts['peak'][row['precision']] * sustained)
    time = max(tiled_seconds(row, params, bandwidth), limit, traffic / bandwidth)
    return time + params[5] * output / bandwidth + 1.3e-6


def error(row, params, sustained):
    return abs(math.log(predict(row, params, sustained) / row['seconds']))


def sustained_rate(rows, params):
    """The sustained efficiency that fits these rows best, to 0.005."""
    return min((mean(error(row, params, step / 200) for row in rows), step / 200)
               for step in range(50, 196))[1]


def grouped(rows):
    keys = sorted({(row['device'], row['precision']) for row in rows})
    return {key: [r for r in rows if (r['device'], r['precision']) == key] for key in keys}


def fit(rows):
    """Kernel parameters of one architecture; every fourth row is held out."""
    rows = sorted(rows, key=lambda r: (r['device'], r['precision'], r['m'], r['n'], r['k'],
                                       r['pass'], r['tflops']))
    train = [row for i, row in enumerate(rows) if i % 4]
    held = [row for i, row in enumerate(rows) if i % 4 == 0]
    params = list(START)
    for _ in range(4):
        rates = {key: sustained_rate(group, params) for key, group in grouped(train).items()}

        def loss(point):
            return mean(error(r, point, rates[(r['device'], r['precision'])]) for r in train)

        params, _ = coordinate_search(loss, params, STEPS, BOUNDS, 5)
    # Devices with few rows: all of them settle the rate, none is left to test it.
    rates = {key: sustained_rate(group if len(group) < 4 else
                                 [r for r in group if r in train], params)
             for key, group in grouped(rows).items()}
    tested = [r for r in held if len(grouped(rows)[(r['device'], r['precision'])]) >= 4]
    percent = lambda r: math.exp(error(r, params, rates[(r['device'], r['precision'])])) - 1
    return {'params': params, 'rates': rates, 'train': mean(map(percent, train)),
            'held': mean(map(percent, tested)), 'counts': (len(train), len(tested)),
            'held_rows': tested}
