#!/usr/bin/env python3
"""Measures on the local GPU what code bases do once a step besides forward and backward: gradient
sums, norm and clipping tensor by tensor, the fused update, casts, and collectives on lists of
tensors without the collective (slices, flat copies, copies back). Needs PyTorch with CUDA; nothing
in the build depends on it.

    python3 models/fit/measure_step.py --out FOLDER

Writes step.csv: `device_us` from events around a run that the host issued ahead of time, `host_us`
the host's time to issue it on an idle device, `bytes` what has to move.
"""
import argparse
import csv
import os
import statistics
import time

import torch
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors

CUDA = torch.device('cuda')


def both_times(run, repeats=5):
    """Median device and host seconds. A kernel that spins first lets the host get ahead."""
    run()
    torch.cuda.synchronize()
    hosts, devices = [], []
    for _ in range(repeats):
        torch.cuda.synchronize()
        start = time.perf_counter()
        run()
        hosts.append(time.perf_counter() - start)
        torch.cuda.synchronize()
        first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        # At most a thousand launches fit in the queue: ahead of them the device spins for as long.
        torch.cuda._sleep(int(1.2e9 * min(0.05, hosts[-1])))
        first.record()
        run()
        last.record()
        torch.cuda.synchronize()
        devices.append(first.elapsed_time(last) * 1e-3)
    return statistics.median(devices), statistics.median(hosts)


def model(parameters, layers):
    """Sizes of the tensors of a Llama-like model: qkv, output, gate and up, down, two norms a layer;
    embedding, head, last norm."""
    width = int((parameters / (layers * 16 + 64)) ** 0.5) // 64 * 64
    layer = [3 * width * width, width * width, 8 * width * width, 4 * width * width, width, width]
    return [32 * width * width] + layer * layers + [width, 32 * width * width]


class Step:
    def __init__(self, sizes):
        total = sum(sizes)
        self.gradients = torch.zeros(total, device=CUDA)
        self.master = torch.zeros(total, device=CUDA)
        self.parameters = torch.zeros(total, device=CUDA, dtype=torch.bfloat16)
        self.micro = torch.zeros(total, device=CUDA, dtype=torch.bfloat16)
        self.total, self.count = total, len(sizes)
        pieces = lambda flat: list(flat.split(sizes))
        self.g, self.m, self.p, self.half = map(pieces, (self.gradients, self.master, self.parameters, self.micro))
        self.values = [torch.nn.Parameter(m) for m in self.m]
        for value, gradient in zip(self.values, self.g):
            value.grad = gradient

    def accumulate(self):
        for sum_, gradient in zip(self.g, self.half):
            sum_.add_(gradient)

    def norm(self):
        norms = [torch.linalg.vector_norm(g, ord=2, dtype=torch.float) for g in self.g]
        return torch.linalg.vector_norm(torch.stack(norms), ord=2, dtype=torch.float).pow(2)

    def scale(self):
        factor = torch.ones((), device=CUDA)
        for g in self.g:
            g.detach().mul_(factor)

    def cast(self):
        for half, full in zip(self.p, self.m):
            half.copy_(full)

    def clear(self):
        self.gradients.zero_()


def lists(step, ranks):
    """An all-gather of every parameter's slices through lists, without the all-gather."""
    offsets = [[(r * t.numel() // ranks, (r + 1) * t.numel() // ranks) for r in range(ranks)] for t in step.p]

    def slices():
        out = [[t[slice(*o[r])] for r in range(ranks)] for t, o in zip(step.p, offsets)]
        return [[tensor[r] for tensor in out] for r in range(ranks)]

    def run():
        by_rank = slices()
        flats = [_flatten_dense_tensors(tensors) for tensors in by_rank]
        gathered = torch.empty(sum(f.numel() for f in flats), device=CUDA, dtype=torch.bfloat16)
        at = 0
        for flat in flats:  # the process group gathers into one buffer and copies it out
            flat.copy_(gathered[at:at + flat.numel()])
            at += flat.numel()
        for tensors, flat in zip(by_rank, flats):
            for tensor, piece in zip(tensors, _unflatten_dense_tensors(flat, tensors)):
                tensor.copy_(piece)
    return slices, run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', required=True)
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    with open(os.path.join(arguments.out, 'step.csv'), 'w', newline='') as file:
        table = csv.writer(file, lineterminator='\n')
        table.writerow('what,tensors,parameters,ranks,bytes,device_us,host_us'.split(','))

        def add(what, step, ranks, size, run, repeats=5):
            device, host = both_times(run, repeats)
            table.writerow([what, step.count, step.total, ranks, int(size), round(device * 1e6, 1), round(host * 1e6, 1)])
            file.flush()
        with torch.no_grad():
            for parameters, layers in ((1.2e9, 16), (3.5e9, 28), (1e9, 32)):
                step = Step(model(parameters, layers))
                n = step.total
                add('accumulate', step, 1, 10 * n, step.accumulate)
                add('norm_by_tensor', step, 1, 4 * n, step.norm)
                add('scale_by_tensor', step, 1, 8 * n, step.scale)
                add('cast_by_tensor', step, 1, 6 * n, step.cast)
                add('clear', step, 1, 4 * n, step.clear)
                if parameters < 3e9:
                    adam = torch.optim.AdamW(step.values, lr=1e-4, fused=True)
                    adam.step()
                    add('adamw_fused', step, 1, 28 * n, adam.step)
                    del adam
                for ranks in (2, 8, 32, 128, 256):
                    if step.total / ranks < 4e6:
                        continue
                    slices, run = lists(step, ranks)
                    add('list_slices', step, ranks, 0, slices, 3)
                    add('list_gather', step, ranks, 12 * n, run, 3)
                # One rank's shard of 64: many small tensors.
                shard = [torch.nn.Parameter(m[:max(1, m.numel() // 64)]) for m in step.m]
                for value in shard:
                    value.grad = torch.zeros_like(value)
                adam = torch.optim.AdamW(shard, lr=1e-4, fused=True)
                adam.step()
                add('adamw_fused_shard', step, 64, 28 * n // 64, adam.step)
                del step, adam, shard
                torch.cuda.empty_cache()


main()
