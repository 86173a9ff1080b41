#!/usr/bin/env python3
"""Measures kernels of training on the local GPU: products, attention, bandwidth-bound operators,
optimizer, launches, and whole transformer blocks. Needs PyTorch with CUDA; nothing in the build
depends on it.

    python3 models/fit/measure_gpu.py --device-name h100-80gb --out FOLDER [--seconds 240]

Writes gemm.csv and attention.csv in the columns of the files beside this script, and kernels.csv,
blocks.csv and host.csv, each with the machine, driver and versions in machine.json. Inputs are
random normal numbers: zeros draw less power and run faster. Every product is repeated for a few
tens of milliseconds right after the previous one, so that the clock is that of a busy device.
"""
import argparse
import csv
import datetime
import json
import os
import statistics
import subprocess
import time

import torch
import torch.nn.functional as F

PEAK_GUESS = 6e14  # FLOP/s, only to choose how often a product is repeated
CUDA = torch.device('cuda')
GEMM_COLUMNS = 'device,precision,m,n,k,groups,pass,fp32_accumulate,tflops,kind,source'.split(',')
ATTENTION_COLUMNS = 'device,kernel,phase,key_dim,value_dim,seq_len,batch,heads,kv_heads,causal,tflops,source'.split(',')


class Table:
    """A CSV file that keeps each row as soon as it is measured."""

    def __init__(self, folder, name, columns):
        self.file = open(os.path.join(folder, name), 'w', newline='')
        self.writer = csv.writer(self.file, lineterminator='\n')
        self.writer.writerow(columns)

    def add(self, *row):
        self.writer.writerow(row)
        self.file.flush()


def device_seconds(run, estimate, budget=0.03, least=4, most=400):
    """Mean time of `run` between device events, over about `budget` seconds after a warm-up."""
    for _ in range(2):
        run()
    times = max(least, min(most, int(budget / max(estimate, 2e-6))))
    first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    first.record()
    for _ in range(times):
        run()
    last.record()
    torch.cuda.synchronize()
    return first.elapsed_time(last) * 1e-3 / times


def graph_seconds(run, estimate, budget=0.02):
    """As device_seconds, but replayed from a CUDA graph: without the host's time."""
    for _ in range(2):
        run()
    times = max(4, min(200, int(budget / max(estimate, 2e-6))))
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(times):
            run()
    graph.replay()
    first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    first.record()
    graph.replay()
    last.record()
    torch.cuda.synchronize()
    return first.elapsed_time(last) * 1e-3 / times


SHORT = 150e-6  # below it the host's time for a call, some 10 to 30 us, can hide the device's


def short_seconds(run, estimate):
    """Replayed from a CUDA graph where the kernel is short, else None."""
    seconds = graph_seconds(run, estimate)
    return seconds if seconds < SHORT else None


class Clock:
    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def over(self):
        return time.monotonic() > self.end


def normal(*shape, dtype=torch.bfloat16):
    return torch.randn(*shape, device=CUDA, dtype=torch.float32).to(dtype)


# (hidden, ffn, query+key+value width, vocabulary) of common models, whole before sharding.
WIDTHS = [
    (4096, 14336, 6144, 128256),
    (8192, 28672, 10240, 128256),
    (16384, 53248, 18432, 128256),
    (5120, 13824, 15360, 32000),
    (2048, 8192, 6144, 49152),
    (12288, 49152, 36864, 51200),
    (1024, 4096, 3072, 32000),
    (3072, 8192, 5120, 128256),
    (6144, 24576, 8192, 256000),
    (1536, 6144, 4608, 51200),
]


def product_shapes():
    """Distinct (m, n, k) of forward products, spread over models, tensor shards and tokens."""
    shapes = []
    for tokens in (4096, 8192, 2048, 16384, 1024):
        for shard in (1, 8, 2, 4):
            for hidden, ffn, qkv, vocab in WIDTHS:
                wide = [(qkv // shard, hidden), (hidden, hidden // shard), (2 * ffn // shard, hidden),
                        (hidden, ffn // shard)]
                if tokens == 4096:
                    wide.append((vocab // shard, hidden))
                for n, k in wide:
                    shape = (tokens, n, k)
                    if shape not in shapes and tokens * n * k * 2 < 4e13:
                        shapes.append(shape)
    # Interleave, so that a run that is cut short still covers every kind of shape.
    return [shape for offset in range(7) for shape in shapes[offset::7]]


def measure_bf16(table, name, clock, timed=device_seconds):
    for m, n, k in product_shapes():
        if clock.over():
            break
        if timed is short_seconds and 2.0 * m * n * k / PEAK_GUESS > SHORT:
            continue
        x, w, dy = normal(m, k), normal(n, k), normal(m, n)
        estimate = 2.0 * m * n * k / PEAK_GUESS
        into = torch.zeros(n, k, device=CUDA, dtype=torch.float32)
        passes = [('forward', 0, (m, n, k), lambda: torch.mm(x, w.t())),
                  ('backward_data', 0, (m, k, n), lambda: torch.mm(dy, w)),
                  ('backward_weight', 0, (n, k, m), lambda: torch.mm(dy.t(), x)),
                  ('backward_weight', 1, (n, k, m),
                   lambda: torch.ops.aten.addmm.dtype_out(into, dy.t(), x, torch.float32, out=into))]
        for kind, fp32, (a, b, c), run in passes:
            try:
                seconds = timed(run, estimate)
            except (RuntimeError, TypeError, NotImplementedError, AttributeError):
                continue
            if seconds:
                table.add(name, 'bf16', a, b, c, 1, kind, fp32, round(2e-12 * m * n * k / seconds, 2), 'typical', 'measured')


def measure_fp8(table, name, clock, timed=device_seconds):
    one = torch.ones((), device=CUDA)
    for m, n, k in product_shapes():
        if clock.over():
            break
        if n % 16 or k % 16 or (timed is short_seconds and m * n * k / PEAK_GUESS > SHORT):
            continue
        x = normal(m, k).to(torch.float8_e4m3fn)
        w = normal(n, k).to(torch.float8_e4m3fn)
        try:
            seconds = timed(
                lambda: torch._scaled_mm(x, w.t(), one, one, out_dtype=torch.bfloat16, use_fast_accum=True),
                m * n * k / PEAK_GUESS)
        except RuntimeError:
            continue
        if seconds:
            table.add(name, 'fp8', m, n, k, 1, 'forward', 0, round(2e-12 * m * n * k / seconds, 2), 'typical', 'measured')


# (experts here, hidden, expert ffn (both halves), tokens an expert) of mixtures of experts.
EXPERTS = [(8, 4096, 28672, 2048), (8, 4096, 28672, 512), (2, 4096, 28672, 4096), (16, 2048, 1536, 2048), (128, 2048, 1536, 512),
           (32, 7168, 4096, 1024), (8, 7168, 4096, 1024), (4, 7168, 4096, 4096), (16, 4096, 3072, 1024), (64, 2048, 2816, 384)]


def measure_grouped(table, name, clock):
    for groups, hidden, ffn, tokens in EXPERTS:
        for n, k in ((ffn, hidden), (hidden, ffn // 2)):
            if clock.over():
                return
            x, w = normal(groups * tokens, k), normal(groups, n, k)
            ends = torch.arange(1, groups + 1, device=CUDA, dtype=torch.int32) * tokens
            flops = 2.0 * groups * tokens * n * k
            try:
                seconds = device_seconds(lambda: torch._grouped_mm(x, w.transpose(-2, -1), offs=ends), flops / PEAK_GUESS)
            except (RuntimeError, AttributeError):
                continue
            table.add(name, 'bf16', tokens, n, k, groups, 'forward', 0, round(flops / seconds * 1e-12, 2), 'typical', 'measured')


def measure_short_attention(table, name, clock):
    """Forward, and forward with backward, from CUDA graphs."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    backends = {'fa2': SDPBackend.FLASH_ATTENTION, 'cudnn': SDPBackend.CUDNN_ATTENTION}
    for batch, heads, seq, dim, causal in [(b, h, s, d, c) for c in (1, 0) for s in (1024, 2048, 512, 4096) for b in (1, 2, 4)
                                           for h, d in ((8, 128), (16, 64), (32, 128), (4, 128), (16, 96))]:
        q, k, v = (normal(batch, heads, seq, dim).requires_grad_() for _ in range(3))
        gradient = normal(batch, heads, seq, dim)
        forward = 4.0 * batch * heads * seq * seq * dim * (0.5 if causal else 1.0)

        def ahead():
            return F.scaled_dot_product_attention(q, k, v, is_causal=bool(causal))
        for kernel, backend in backends.items():
            for phase, flops, run in (('fwd', forward, ahead),
                                      ('fwd+bwd', 3.5 * forward, lambda: torch.autograd.grad(ahead(), (q, k, v), gradient))):
                if clock.over():
                    return
                try:
                    with sdpa_kernel(backend):
                        seconds = graph_seconds(run, flops / 4e14)
                except RuntimeError:
                    continue
                table.add(name, kernel, phase, dim, dim, seq, batch, heads, heads, causal, round(flops / seconds * 1e-12, 1), 'measured')


def measure_attention(table, name, clock):
    from torch.nn.attention import SDPBackend, sdpa_kernel
    backends = {'fa2': SDPBackend.FLASH_ATTENTION, 'cudnn': SDPBackend.CUDNN_ATTENTION}
    cases = [(dim, seq, heads, kv, causal)
             for causal in (1, 0) for seq in (2048, 4096, 8192, 1024, 16384, 512, 32768)
             for dim, heads, kv in ((128, 32, 8), (128, 16, 16), (64, 32, 32), (128, 8, 1), (96, 32, 32))
             if causal or seq in (2048, 8192)]
    for dim, seq, heads, kv, causal in cases:
        batch = max(1, 8192 // seq)
        q = normal(batch, heads, seq, dim).requires_grad_()
        # Grouped heads are repeated here: kernels differ only in what they read, which is small.
        k, v = (normal(batch, heads, seq, dim).requires_grad_() for _ in range(2))
        forward = 4.0 * batch * heads * seq * seq * dim * (0.5 if causal else 1.0)
        for kernel, backend in backends.items():
            if clock.over():
                return
            try:
                with sdpa_kernel(backend):
                    with torch.no_grad():
                        ahead = device_seconds(lambda: F.scaled_dot_product_attention(q, k, v, is_causal=bool(causal)), forward / 4e14)
                    out = F.scaled_dot_product_attention(q, k, v, is_causal=bool(causal))
                    gradient = normal(*out.shape)
                    back = device_seconds(
                        lambda: torch.autograd.grad(out, (q, k, v), gradient, retain_graph=True), forward * 2.5 / 4e14)
            except RuntimeError:
                continue
            for phase, flops, seconds in (('fwd', forward, ahead), ('bwd', 2.5 * forward, back)):
                table.add(name, kernel, phase, dim, dim, seq, batch, heads, heads, causal, round(flops / seconds * 1e-12, 1), 'measured')


def eager_rms_norm(x, w):
    y = x.float()
    y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-5)
    return w * y.to(x.dtype)


def rotate_half(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


def bandwidth_kernels(rows, width):
    """(name, bytes that have to move, run) of operators over a [rows, width] bf16 tensor."""
    x, y = normal(rows, width), normal(rows, width)
    w = normal(width)
    size = rows * width * 2
    out = torch.empty_like(x)
    cos = normal(width)
    into = torch.zeros(rows, width, device=CUDA)
    yield 'copy', 2 * size, lambda: out.copy_(x)
    yield 'add', 3 * size, lambda: torch.add(x, y, out=out)
    yield 'silu_mul_eager', 5 * size, lambda: F.silu(x) * y
    yield 'gelu', 2 * size, lambda: F.gelu(x, approximate='tanh')
    yield 'rms_norm_fused', 2 * size, lambda: F.rms_norm(x, (width,), w)
    yield 'rms_norm_eager', 2 * size, lambda: eager_rms_norm(x, w)
    yield 'layer_norm', 2 * size, lambda: F.layer_norm(x, (width,), w, w)
    yield 'dropout', 2.5 * size, lambda: F.dropout(x, 0.1)
    yield 'rope_eager', 2 * size, lambda: rotate_half(x, cos, cos)
    yield 'cast_fp32', 3 * size, lambda: x.float()
    yield 'accumulate_fp32', 5 * size, lambda: into.add_(x)
    yield 'cast_fp8', 1.5 * size, lambda: x.to(torch.float8_e4m3fn)
    yield 'amax', size, lambda: x.abs().max()
    yield 'sum_rows', size, lambda: x.sum(0)


def measure_kernels(table, clock, bandwidth):
    for rows, width in ((8192, 4096), (8192, 8192), (2048, 4096), (8192, 28672), (512, 2048), (16384, 1024), (128, 1024)):
        for kernel, size, run in bandwidth_kernels(rows, width):
            if clock.over():
                return
            seconds = graph_seconds(run, size / bandwidth)
            table.add(kernel, rows, width, int(size), round(seconds * 1e6, 3), round(size / seconds * 1e-9, 1))
    for rows, vocab in ((4096, 32000), (4096, 128256), (2048, 50304)):
        logits = normal(rows, vocab).requires_grad_()
        labels = torch.randint(vocab, (rows,), device=CUDA)
        size = rows * vocab * 2

        def loss():
            value = F.cross_entropy(logits.float(), labels)
            return torch.autograd.grad(value, logits)
        seconds = device_seconds(loss, 10 * size / bandwidth)
        table.add('cross_entropy_fp32_fwd_bwd', rows, vocab, size, round(seconds * 1e6, 3), round(size / seconds * 1e-9, 1))
    table_rows = normal(128256, 4096)
    ids = torch.randint(128256, (8192,), device=CUDA)
    size = 2 * 8192 * 4096 * 2
    seconds = graph_seconds(lambda: F.embedding(ids, table_rows), size / bandwidth)
    table.add('embedding', 8192, 4096, size, round(seconds * 1e6, 3), round(size / seconds * 1e-9, 1))


def measure_optimizers(table, bandwidth):
    for kind, dtype in (('fused', torch.float32), ('foreach', torch.float32), ('fused', torch.bfloat16)):
        for count, tensors in ((500_000_000, 100), (100_000_000, 290), (20_000_000, 290)):
            values = [torch.nn.Parameter(normal(count // tensors, dtype=dtype)) for _ in range(tensors)]
            for value in values:
                value.grad = torch.zeros_like(value)
            adam = torch.optim.AdamW(values, lr=1e-4, **{kind: True})
            size = count * (28 if dtype == torch.float32 else 14)
            adam.step()
            seconds = device_seconds(adam.step, size / bandwidth, least=3)
            table.add(f'adamw_{kind}_{"fp32" if dtype == torch.float32 else "bf16"}', tensors, count, size,
                      round(seconds * 1e6, 3), round(size / seconds * 1e-9, 1))
            seconds = device_seconds(lambda: torch.nn.utils.clip_grad_norm_(values, 1.0, foreach=True), size / 7 / bandwidth, least=3)
            table.add(f'clip_grad_norm_{"fp32" if dtype == torch.float32 else "bf16"}', tensors, count, size // 7,
                      round(seconds * 1e6, 3), round(size / 7 / seconds * 1e-9, 1))
            del values, adam
            torch.cuda.empty_cache()


class Block(torch.nn.Module):
    """A Llama block in plain PyTorch: separate projections, rotate-half, SDPA, SwiGLU."""

    def __init__(self, hidden, ffn, heads, kv_heads, eager_norm):
        super().__init__()
        linear = lambda a, b: torch.nn.Linear(a, b, bias=False, device=CUDA, dtype=torch.bfloat16)
        dim = hidden // heads
        self.heads, self.kv_heads, self.dim, self.eager_norm = heads, kv_heads, dim, eager_norm
        self.q, self.k, self.v = linear(hidden, hidden), linear(hidden, kv_heads * dim), linear(hidden, kv_heads * dim)
        self.o, self.gate, self.up, self.down = linear(hidden, hidden), linear(hidden, ffn), linear(hidden, ffn), linear(ffn, hidden)
        self.norm1 = torch.nn.Parameter(torch.ones(hidden, device=CUDA, dtype=torch.bfloat16))
        self.norm2 = torch.nn.Parameter(torch.ones(hidden, device=CUDA, dtype=torch.bfloat16))

    def norm(self, x, w):
        return eager_rms_norm(x, w) if self.eager_norm else F.rms_norm(x, w.shape, w, 1e-5)

    def forward(self, x, cos, sin):
        b, s, h = x.shape
        y = self.norm(x, self.norm1)
        q = self.q(y).view(b, s, self.heads, self.dim).transpose(1, 2)
        k = self.k(y).view(b, s, self.kv_heads, self.dim).transpose(1, 2)
        v = self.v(y).view(b, s, self.kv_heads, self.dim).transpose(1, 2)
        q, k = rotate_half(q, cos, sin), rotate_half(k, cos, sin)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.heads != self.kv_heads)
        x = x + self.o(y.transpose(1, 2).reshape(b, s, h))
        y = self.norm(x, self.norm2)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


BLOCKS = [(1024, 4096, 16, 16, 1, 1024), (2048, 8192, 32, 32, 1, 2048), (2048, 8192, 32, 32, 4, 4096), (4096, 14336, 32, 8, 1, 8192),
          (4096, 14336, 32, 8, 1, 2048), (4096, 11008, 32, 32, 2, 4096), (8192, 28672, 64, 8, 1, 4096), (8192, 28672, 64, 8, 1, 8192),
          (1024, 4096, 16, 16, 16, 1024), (5120, 13824, 40, 40, 1, 4096)]


def measure_blocks(table, clock):
    """Forward and backward of four blocks: device time, and the host's time to issue it."""
    for mode in ('eager', 'eager_norms', 'compiled'):
        for hidden, ffn, heads, kv_heads, batch, seq in BLOCKS:
            if clock.over():
                return
            blocks = torch.nn.ModuleList(Block(hidden, ffn, heads, kv_heads, mode == 'eager_norms') for _ in range(4))
            if mode == 'compiled':
                torch._dynamo.reset()
                for block in blocks:
                    block.compile()
            x = normal(batch, seq, hidden).requires_grad_()
            cos = sin = normal(seq, hidden // heads)
            gradient = normal(batch, seq, hidden)

            def step():
                start = time.perf_counter()
                y = x
                for block in blocks:
                    y = block(y, cos, sin)
                middle = time.perf_counter()
                y.backward(gradient)
                return middle - start, time.perf_counter() - middle
            for _ in range(3):
                step()
            torch.cuda.synchronize()
            flops = 6.0 * batch * seq * sum(p.numel() for p in blocks.parameters())
            times = max(8, min(200, int(0.5 / (flops / PEAK_GUESS + 2e-3))))
            for parameter in blocks.parameters():
                parameter.grad = None
            step()
            torch.cuda.synchronize()
            first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            first.record()
            hosts = [step() for _ in range(times)]
            last.record()
            torch.cuda.synchronize()
            device = first.elapsed_time(last) / times
            # Host times of the first few steps only: later ones wait for a full launch queue.
            lone = []
            for _ in range(6):
                torch.cuda.synchronize()
                lone.append(step())
            table.add(mode, hidden, ffn, heads, kv_heads, batch, seq, 4, round(device * 1e3 / 4, 2),
                      round(statistics.median(a for a, _ in lone) * 1e6 / 4, 2), round(statistics.median(b for _, b in lone) * 1e6 / 4, 2),
                      round(flops / device * 1e-9, 1), len(hosts))
            del blocks
            torch.cuda.empty_cache()


def host_seconds(run, times=300):
    for _ in range(20):
        run()
    torch.cuda.synchronize()
    samples = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(times // 5):
            run()
        samples.append((time.perf_counter() - start) / (times // 5))
        torch.cuda.synchronize()
    return statistics.median(samples)


def measure_host(table):
    x, w = normal(64, 64), normal(64, 64)
    leaf = normal(64, 64).requires_grad_()
    linear = torch.nn.Linear(64, 64, bias=False, device=CUDA, dtype=torch.bfloat16)
    norm = torch.nn.LayerNorm(64, device=CUDA, dtype=torch.bfloat16)
    out = torch.empty_like(x)
    with torch.no_grad():
        table.add('add_out', round(host_seconds(lambda: torch.add(x, w, out=out)) * 1e6, 3))
        table.add('mm_out', round(host_seconds(lambda: torch.mm(x, w, out=out)) * 1e6, 3))
        table.add('linear_module_no_grad', round(host_seconds(lambda: linear(x)) * 1e6, 3))
    table.add('add_autograd', round(host_seconds(lambda: leaf + x) * 1e6, 3))
    table.add('linear_module', round(host_seconds(lambda: linear(leaf)) * 1e6, 3))
    table.add('layer_norm_module', round(host_seconds(lambda: norm(leaf)) * 1e6, 3))
    result = linear(leaf)
    table.add('linear_backward_call', round(host_seconds(lambda: torch.autograd.grad(result, (leaf, linear.weight), x, retain_graph=True), 100) * 1e6, 3))
    chain = leaf
    for _ in range(50):
        chain = linear(chain)
    table.add('linear_backward_in_chain', round(host_seconds(lambda: torch.autograd.grad(chain, leaf, x, retain_graph=True), 20) * 1e6 / 50, 3))
    table.add('kernel_gap_stream_add', round(device_seconds(lambda: torch.add(x, w, out=out), 2e-6) * 1e6, 3))
    table.add('kernel_gap_graph_add', round(graph_seconds(lambda: torch.add(x, w, out=out), 2e-6) * 1e6, 3))
    table.add('kernel_gap_graph_mm', round(graph_seconds(lambda: torch.mm(x, w, out=out), 2e-6) * 1e6, 3))
    host = torch.empty(1 << 28, dtype=torch.uint8, pin_memory=True)
    there = torch.empty(1 << 28, dtype=torch.uint8, device=CUDA)
    table.add('pcie_to_device_256MiB_GBps', round((1 << 28) / device_seconds(lambda: there.copy_(host, non_blocking=True), 5e-3) * 1e-9, 2))
    table.add('pcie_to_host_256MiB_GBps', round((1 << 28) / device_seconds(lambda: host.copy_(there, non_blocking=True), 5e-3) * 1e-9, 2))


def smi(query):
    result = subprocess.run(['nvidia-smi', f'--query-gpu={query}', '--format=csv,noheader'], capture_output=True, text=True, check=False)
    return result.stdout.strip()


def sustained(table, longest=3):
    """Clock, power and rate of large products kept up for some seconds, and of a memory copy. fp8
    with fast accumulation, as Transformer Engine runs forward, and without it, as it runs backward."""
    x, w = normal(8192, 8192), normal(8192, 8192)
    x8, w8 = x.to(torch.float8_e4m3fn), w.to(torch.float8_e4m3fn)
    one = torch.ones((), device=CUDA)
    zeros = torch.zeros_like(x)
    out = torch.empty(8192, 8192, device=CUDA, dtype=torch.bfloat16)
    big, other = (torch.empty(1 << 31, device=CUDA, dtype=torch.uint8) for _ in range(2))

    def fp8(fast):
        return lambda: torch._scaled_mm(x8, w8.t(), one, one, out_dtype=torch.bfloat16, use_fast_accum=fast)
    cases = [('gemm_8192_fp8_fast', fp8(True), 2 * 8192**3, 3), ('gemm_8192_fp8_split', fp8(False), 2 * 8192**3, 3),
             ('gemm_8192', lambda: torch.mm(x, w, out=out), 2 * 8192**3, longest),
             ('gemm_8192_zeros', lambda: torch.mm(zeros, zeros, out=out), 2 * 8192**3, 1),
             ('copy_2GiB', lambda: other.copy_(big), 2 * (1 << 31), 3)]
    for kind, run, unit, seconds_long in cases:
        for second in range(seconds_long):
            seconds = device_seconds(run, 1.6e-3, budget=0.7, most=1000)
            for _ in range(200):
                run()
            state = smi('clocks.sm,power.draw,temperature.gpu')
            torch.cuda.synchronize()
            table.add(f'{kind}_second_{second}', round(unit / seconds * 1e-12, 3), state)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--device-name', required=True)
    parser.add_argument('--out', required=True)
    parser.add_argument('--seconds', type=float, default=240)
    parser.add_argument('--short', action='store_true', help='only products and attention below 150 us, from CUDA graphs, and long runs')
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    facts = torch.cuda.get_device_properties(0)
    with open(os.path.join(arguments.out, 'machine.json'), 'w') as file:
        json.dump({'date': datetime.date.today().isoformat(), 'gpu': facts.name, 'sm_count': facts.multi_processor_count,
                   'driver_power_clocks': smi('driver_version,power.limit,clocks.max.sm,clocks.max.mem'), 'torch': torch.__version__,
                   'cuda': torch.version.cuda, 'cudnn': torch.backends.cudnn.version(), 'python': os.sys.version.split()[0],
                   'cpu': next((line.split(':')[1].strip() for line in open('/proc/cpuinfo') if line.startswith('model name')), '')}, file, indent=1)
    scale = arguments.seconds / 240
    bandwidth = 3e12
    if arguments.short:
        gemm = Table(arguments.out, 'gemm_short.csv', GEMM_COLUMNS)
        measure_bf16(gemm, arguments.device_name, Clock(150 * scale), short_seconds)
        measure_fp8(gemm, arguments.device_name, Clock(50 * scale), short_seconds)
        measure_short_attention(Table(arguments.out, 'attention_short.csv', ATTENTION_COLUMNS), arguments.device_name, Clock(40 * scale))
        sustained(Table(arguments.out, 'sustained.csv', ['what', 'value', 'state']), 10)
        return
    host = Table(arguments.out, 'host.csv', ['what', 'value', 'state'])
    measure_host(host)
    blocks = Table(arguments.out, 'blocks.csv', ['mode', 'hidden', 'ffn', 'heads', 'kv_heads', 'batch', 'seq_len', 'blocks', 'device_us_per_block',
                                                'host_forward_us_per_block', 'host_backward_us_per_block', 'tflops', 'steps'])
    measure_blocks(blocks, Clock(70 * scale))
    gemm = Table(arguments.out, 'gemm.csv', GEMM_COLUMNS)
    measure_bf16(gemm, arguments.device_name, Clock(75 * scale))
    measure_fp8(gemm, arguments.device_name, Clock(25 * scale))
    measure_grouped(gemm, arguments.device_name, Clock(10 * scale))
    attention = Table(arguments.out, 'attention.csv', ATTENTION_COLUMNS)
    measure_attention(attention, arguments.device_name, Clock(25 * scale))
    kernels = Table(arguments.out, 'kernels.csv', ['kernel', 'rows', 'width', 'bytes', 'microseconds', 'GBps'])
    measure_kernels(kernels, Clock(15 * scale), bandwidth)
    measure_optimizers(kernels, bandwidth)
    sustained(host)


if __name__ == '__main__':
    main()
