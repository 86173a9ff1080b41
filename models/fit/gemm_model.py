"""The GEMM cost model of models/gemm.cpp, and its fit.

Three limits: tiles and waves at the kernel's own rate, the device's sustained (power-limited)
rate, and memory. The epilogue's output traffic is partly exposed.

Our own measurements come in two kinds: `gemm.csv`, products repeated on a busy device, and
`gemm_short.csv`, products below 150 us replayed from CUDA graphs, which end before the power limit
acts: they have a rate of their own ("short").
"""
import csv
import glob
import math
import os

from search import coordinate_search, held_out, mean

HERE = os.path.dirname(os.path.abspath(__file__))
TILES = [(256, 128), (128, 256), (128, 128), (256, 64), (64, 256), (128, 64), (64, 128), (64, 64)]
BLACKWELL_TILES = [(256, 256)] + TILES
OPERAND = {'bf16': 2.0, 'fp16': 2.0, 'fp8': 1.0, 'fp4': 0.5}
# Kernel rate against peak, overhead of a wave (us), smoothing of waves, relative rate of 128x128
# tiles and of smaller ones, exposed part of the output traffic.
START = [0.88, 2.5, 0.2, 0.9, 0.7, 0.4]
STEPS = [0.03, 0.5, 0.15, 0.05, 0.08, 0.2]
BOUNDS = [(0.5, 1.0), (0.0, 8.0), (0.0, 1.0), (0.5, 1.0), (0.3, 1.0), (0.0, 1.0)]


# Below it the host's time for a call can hide the device's.
HOST_BOUND = 150e-6


def load(devices):
    rows = []
    files = [os.path.join(HERE, 'gemm.csv')]
    files += sorted(glob.glob(os.path.join(HERE, 'measured', '*', 'gemm*.csv')))
    for path in files:
        short = path.endswith('_short.csv')
        with open(path) as file:
            for row in csv.DictReader(file):
                for key in ('m', 'n', 'k', 'groups', 'fp32_accumulate'):
                    row[key] = int(row[key])
                row['facts'] = devices[row['device']]
                row['flops'] = 2.0 * row['m'] * row['n'] * row['k'] * row['groups']
                row['seconds'] = row['flops'] / (float(row['tflops']) * 1e12)
                hidden = row['source'] == 'measured' and not short
                row['rate'] = (row['device'], row['precision'] + (' short' if short else ''))
                if not hidden or row['seconds'] >= HOST_BOUND:
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


def bounds(row, params):
    """Seconds that the sustained rate does not change: the least, and what comes on top."""
    facts, m, n, k, groups = row['facts'], row['m'], row['n'], row['k'], row['groups']
    bandwidth = facts['memory_bandwidth'] * float(facts['memory_efficiency'].split()[0])
    output = (8.0 if row['fp32_accumulate'] else 2.0) * m * n * groups
    traffic = OPERAND[row['precision']] * groups * (m * k + k * n) + output
    least = max(tiled_seconds(row, params, bandwidth), traffic / bandwidth)
    return least, params[5] * output / bandwidth + 1.3e-6


def at_rate(row, least, extra, sustained):
    return max(least, row['flops'] / (row['facts']['peak'][row['precision']] * sustained)) + extra


def predict(row, params, sustained):
    return at_rate(row, *bounds(row, params), sustained)


def error(row, params, sustained):
    return abs(math.log(predict(row, params, sustained) / row['seconds']))


def sustained_rate(rows, params):
    """The sustained efficiency that fits these rows best, to 0.005."""
    limits = [(row, *bounds(row, params)) for row in rows]
    wrong = lambda rate: mean(abs(math.log(at_rate(row, least, extra, rate) / row['seconds']))
                              for row, least, extra in limits)
    return min((wrong(step / 200), step / 200) for step in range(50, 196))[1]


def grouped(rows):
    keys = sorted({row['rate'] for row in rows})
    return {key: [r for r in rows if r['rate'] == key] for key in keys}


def fit(rows, best):
    """Kernel parameters of one architecture; a quarter of the shapes is held out, whatever their
    pass and precision. `best`: the best shape anyone found, as a part of peak, which the kernel's own
    rate cannot be below; typical shapes at the power limit do not tell it."""
    bounds_here = [(max(best, BOUNDS[0][0]), BOUNDS[0][1])] + BOUNDS[1:]
    out = lambda r: held_out(sorted((r['m'], r['n'], r['k'])))
    train = [row for row in rows if not out(row)]
    held = [row for row in rows if out(row)]
    params = [max(best, START[0])] + START[1:]
    for _ in range(4):
        rates = {key: sustained_rate(group, params) for key, group in grouped(train).items()}

        def loss(point):
            return mean(error(r, point, rates[r['rate']]) for r in train)

        params, _ = coordinate_search(loss, params, STEPS, bounds_here, 5)
    # Devices with few rows: all of them settle the rate, none is left to test it.
    everything = grouped(rows)
    rates = {key: sustained_rate(group if len(group) < 4 else [r for r in group if not out(r)] or
                                 group, params) for key, group in everything.items()}
    tested = [r for r in held if len(everything[r['rate']]) >= 4]
    percent = lambda r: math.exp(error(r, params, rates[r['rate']])) - 1
    return {'params': params, 'rates': rates, 'train': mean(map(percent, train)),
            'held': mean(map(percent, tested)), 'counts': (len(train), len(tested)),
            'held_rows': tested, 'error': percent}
