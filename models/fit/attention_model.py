"""The attention cost model of models/attention_cost.cpp, and its fit.

A block of query rows walks over its keys at the device's sustained rate; overhead is counted in
keys. Blocks are spread over the SMs; the last ones leave SMs idle. Backward has kernels before and
after that are bound by memory.
"""
import csv
import glob
import math
import os

from search import coordinate_search, held_out, mean

HERE = os.path.dirname(os.path.abspath(__file__))
# Rows of a block in forward: FlashAttention-2 128, FlashAttention-3 128 (two warpgroups of 64),
# cuDNN and FlashAttention-4 on Blackwell 256 (two tiles of 128). Backward walks blocks of 128 keys.
BLOCK_ROWS = {'fa1': 128, 'fa2': 128, 'fa3': 128, 'cudnn': 256}
BACKWARD_ROWS = 128
# Bytes per element of the queries that backward moves beside its main kernel: output and gradient
# for the row sums, and the queries' gradient in fp32, cleared, added up, converted. The value is
# what SDPA's two kernels on H100 need, 20 and 23; they are 148 and 140 rows from 512 keys on.
BACKWARD_BYTES = 20.0
# One generation's parameters: keys of overhead a block, further ones when causal, relative rate at
# head 64 and at 256, backward's rate against forward's, idle tail in blocks, how much longer than
# its share a block takes that runs alone on its SM, and backward's relative rate at head 256.
START = [60.0, 60.0, 0.85, 1.05, 0.85, 0.5, 1.1, 0.9]
STEPS = [30.0, 30.0, 0.08, 0.08, 0.08, 0.2, 0.1, 0.1]
BOUNDS = [(0, 600), (0, 600), (0.4, 1.5), (0.6, 1.3), (0.4, 1.2), (0.0, 1.0), (0.5, 1.6),
          (0.5, 1.3)]
# SDPA on a busy host: the host's time for a call hides shorter kernels. attention_short.csv holds
# those, from CUDA graphs.
LONG_FORWARD, LONG_BACKWARD = 60e-6, 300e-6
COUNT = len(START)


def load(devices):
    rows = []
    files = [os.path.join(HERE, 'attention.csv')]
    files += sorted(glob.glob(os.path.join(HERE, 'measured', '*', 'attention*.csv')))
    for path in files:
        with open(path) as file:
            for row in csv.DictReader(file):
                rows.append(complete(row, devices))
                if path.endswith('measured/%s/attention.csv' % row['device']):
                    least = LONG_FORWARD if row['phase'] == 'fwd' else LONG_BACKWARD
                    if rows[-1]['seconds'] < least:
                        rows.pop()
    return rows


def complete(row, devices):
    for key in ('key_dim', 'value_dim', 'seq_len', 'batch', 'heads', 'causal'):
        row[key] = int(row[key])
    row['facts'] = devices[row['device']]
    seq = row['seq_len']
    share = 0.5 if row['causal'] else 1.0
    forward = (2.0 * row['batch'] * row['heads'] * seq * seq * share *
               (row['key_dim'] + row['value_dim']))
    passes = {'fwd': 1.0, 'bwd': 2.5, 'fwd+bwd': 3.5}[row['phase']]
    row['forward_flops'] = forward
    row['seconds'] = forward * passes / (float(row['tflops']) * 1e12)
    return row


def head_factor(dim, backward, params):
    if dim <= 128:
        return params[2] + (1.0 - params[2]) * max(0.0, dim - 64) / 64.0
    large = params[7] if backward else params[3]
    return 1.0 + (large - 1.0) * min(1.0, (dim - 128) / 128.0)


def one_pass(row, backward, efficiency, params, block_rows):
    share = 0.5 if row['causal'] else 1.0
    keys = row['seq_len'] * share + params[0] + (params[1] if row['causal'] else 0.0)
    flops = row['forward_flops'] * keys / (row['seq_len'] * share)
    rate = row['facts']['peak']['bf16'] * efficiency
    rate *= head_factor(row['key_dim'], backward, params)
    passes = 0.0
    if backward:
        flops *= 2.5
        rate *= params[4]
        bandwidth = row['facts']['memory_bandwidth'] * float(row['facts']['memory_efficiency'])
        passes = (BACKWARD_BYTES * row['batch'] * row['heads'] * row['seq_len'] * row['key_dim'] /
                  bandwidth)
    sms = row['facts']['sm_count']
    rows = BACKWARD_ROWS if backward else block_rows
    blocks = row['batch'] * row['heads'] * max(1.0, row['seq_len'] / rows)
    waves = blocks / sms
    longest = 1.0 / share  # of a causal block against the average one
    idle = max(params[6] * longest, waves + params[5] * longest) / waves
    return flops / rate * idle + passes


def predict(row, efficiency, params, block_rows):
    total = 0.0
    if 'fwd' in row['phase']:
        total += one_pass(row, False, efficiency, params, block_rows)
    if 'bwd' in row['phase']:
        total += one_pass(row, True, efficiency, params, block_rows)
    return total + 1.3e-6


def fit(rows, block_rows, frozen=None):
    """Efficiency per device and one set of parameters; a quarter of the shapes is held out.

    frozen: {index: value} of parameters that these rows cannot tell.
    """
    frozen = frozen or {}
    shape = lambda r: (r['batch'], r['heads'], r['seq_len'], r['key_dim'], r['causal'])
    train = [row for row in rows if not held_out(shape(row))]
    held = [row for row in rows if held_out(shape(row))]
    # The libraries' charts and PyTorch's build of the same kernel, measured here, differ in rate.
    name = lambda r: r['device'] + ('/sdpa' if r['source'] == 'measured' else '')
    names = sorted({name(row) for row in rows})

    def error(row, point):
        efficiency = point[COUNT + names.index(name(row))]
        return abs(math.log(predict(row, efficiency, point, block_rows) / row['seconds']))

    start = [frozen.get(i, value) for i, value in enumerate(START)] + [0.6] * len(names)
    steps = [0.0 if i in frozen else step for i, step in enumerate(STEPS)] + [0.1] * len(names)
    bounds = BOUNDS + [(0.1, 0.95)] * len(names)
    point, _ = coordinate_search(lambda p: mean(error(row, p) for row in train), start, steps,
                                 bounds, 30)
    return {'params': point[:COUNT], 'efficiency': dict(zip(names, point[COUNT:])),
            'train': mean(math.exp(error(row, point)) - 1 for row in train),
            'held': mean(math.exp(error(row, point)) - 1 for row in held),
            'counts': (len(train), len(held))}
