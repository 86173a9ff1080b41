#!/usr/bin/env python3
"""Measures on the local GPU what a mixture-of-experts layer of Megatron-Core does in plain PyTorch:
experts' biases added slice by slice, and routing with a capacity. Needs PyTorch with CUDA; nothing
in the build depends on it.

    python3 models/fit/measure_moe.py --out FOLDER

Writes moe.csv: medians of the device's microseconds, from events around runs that the host issued
ahead of time; `width` of the rows on capacity is the experts a token goes to.
"""
import argparse
import csv
import os
import statistics

import torch

CUDA = torch.device('cuda')


def device_us(run, repeats=7):
    run()
    torch.cuda.synchronize()
    times = []
    for _ in range(repeats):
        first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda._sleep(20_000_000)  # the host gets ahead
        first.record()
        run()
        last.record()
        torch.cuda.synchronize()
        times.append(first.elapsed_time(last) * 1e3)
    return statistics.median(times)


def expert_bias(rows, width, experts):
    """The sum of a grouped product's output and each expert's bias times the routing weights."""
    output = torch.randn(rows, width, device=CUDA, dtype=torch.bfloat16, requires_grad=True)
    biases = [torch.randn(width, device=CUDA, dtype=torch.bfloat16, requires_grad=True) for _ in range(experts)]
    weights = torch.rand(rows, 1, device=CUDA, requires_grad=True)
    sizes = [rows // experts] * experts

    def forward():
        slices = zip(output.split(sizes), biases, weights.split(sizes))
        return torch.cat([part + bias * weight for part, bias, weight in slices]).to(output.dtype)

    gradient = torch.randn_like(output)
    result = forward()

    def backward():
        torch.autograd.grad(result, [output, weights, *biases], gradient, retain_graph=True)

    return device_us(forward), device_us(backward)


def capacity(tokens, experts, top_k):
    """Which tokens an expert keeps: the highest scores of each column, as a mask."""
    scores = torch.rand(tokens, experts, device=CUDA)
    size = tokens * top_k // experts

    def choose():
        _, rows = torch.topk(scores, k=size, dim=0, sorted=False)
        kept = torch.zeros_like(scores).scatter(0, rows, 1).bool()
        return scores * kept

    def top():
        torch.topk(scores, k=size, dim=0, sorted=False)

    return device_us(choose), device_us(top)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--out', required=True)
    folder = parser.parse_args().out
    with open(os.path.join(folder, 'moe.csv'), 'w', newline='') as file:
        table = csv.writer(file, lineterminator='\n')
        table.writerow(['what', 'rows', 'width', 'experts', 'forward_us', 'backward_us'])
        for rows, width, experts in [(65536, 2880, 2), (65536, 2880, 16), (16384, 2880, 2), (16384, 2880, 16),
                                     (32768, 4096, 8)]:
            forward, backward = expert_bias(rows, width, experts)
            table.writerow(['expert_bias', rows, width, experts, f'{forward:.1f}', f'{backward:.1f}'])
        for tokens, experts, top_k in [(4096, 128, 8), (8192, 128, 8), (16384, 128, 8), (4096, 256, 8), (2048, 128, 8)]:
            whole, top = capacity(tokens, experts, top_k)
            table.writerow(['capacity', tokens, top_k, experts, f'{whole:.1f}', ''])
            table.writerow(['capacity_top_k', tokens, top_k, experts, f'{top:.1f}', ''])
    with open(os.path.join(folder, 'moe.csv')) as file:
        print(file.read())


if __name__ == '__main__':
    main()
