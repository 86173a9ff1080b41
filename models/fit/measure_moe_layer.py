#!/usr/bin/env python3
"""Measures on the local GPU the parts of mixture-of-experts layers, forward and backward: routers,
permutations, grouped products, and a whole layer, as torchtitan and Megatron-Core write them in
PyTorch. Needs PyTorch with CUDA; nothing in the build depends on it.

    python3 models/fit/measure_moe_layer.py --out FOLDER [--seconds 200]

Writes moe_parts.csv (medians of the device's microseconds of runs that the host issued ahead of
time), moe_products.csv (TFLOP/s of products with one weight a group of rows: PyTorch's grouped
product, cuBLAS's batched one, and one product a group over four streams), moe_layer.csv (a whole
layer: device and host microseconds, kernels) and moe_kernels.csv (its kernels by name). Each is
written as it is measured, the most useful first: a run that is cut short still says something.
"""
import argparse
import csv
import os
import statistics
import time
import traceback

import torch
import torch.nn.functional as F

CUDA = torch.device('cuda')
BF16 = torch.bfloat16


class Table:
    """A CSV file that keeps each row as soon as it is measured."""

    def __init__(self, folder, name, columns):
        self.file = open(os.path.join(folder, name), 'w', newline='')
        self.writer = csv.writer(self.file, lineterminator='\n')
        self.writer.writerow(columns)

    def add(self, *row):
        self.writer.writerow(row)
        self.file.flush()


class Clock:
    def __init__(self, seconds):
        self.start = time.monotonic()
        self.end = self.start + seconds

    def over(self):
        return time.monotonic() > self.end

    def now(self):
        return f'{time.monotonic() - self.start:.0f} s'


def normal(*shape, dtype=BF16):
    return torch.randn(*shape, device=CUDA, dtype=torch.float32).to(dtype)


def device_us(run, repeats=5, ahead=8_000_000):
    """Median; the device spins first, so that the host gets ahead."""
    run()
    torch.cuda.synchronize()
    times = []
    for _ in range(repeats):
        first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda._sleep(ahead)
        first.record()
        run()
        last.record()
        torch.cuda.synchronize()
        times.append(first.elapsed_time(last) * 1e3)
    return statistics.median(times)


def both_us(forward, inputs, **options):
    """Forward, and backward to `inputs`."""
    ahead = device_us(forward, **options)
    result = forward()
    gradient = torch.randn_like(result)

    def backward():
        torch.autograd.grad(result, inputs, gradient, retain_graph=True)

    return ahead, device_us(backward, **options)


# name, hidden, experts, experts a token, ffn, scores, tokens of a micro-batch
MODELS = [
    ('dsv3-16b', 2048, 64, 6, 1408, 'softmax', (16384, 4096, 65536)),
    ('qwen3-30b', 2048, 128, 8, 768, 'softmax', (4096, 16384)),
    ('gpt-oss-120b', 2880, 128, 4, 2880, 'softmax', (8192,)),
    ('mixtral-8x7b', 4096, 8, 2, 14336, 'softmax', (8192,)),
    ('dsv3', 7168, 256, 8, 2048, 'sigmoid', (4096,)),
]


def measure_parts(add, hidden, experts, top_k, ffn, scoring, tokens):
    copies = tokens * top_k
    logits = normal(tokens, experts).requires_grad_()
    bias = torch.zeros(experts, device=CUDA)

    def scores_of():
        wide = logits.float()
        return torch.sigmoid(wide) if scoring == 'sigmoid' else F.softmax(wide, dim=1)

    scores = scores_of().detach().requires_grad_()
    _, chosen = torch.topk(scores + bias, k=top_k, dim=1)
    flat = chosen.view(-1)
    order = torch.argsort(flat, stable=True)
    rows = order // top_k
    add('scores', *both_us(scores_of, [logits]))
    add('top_k', device_us(lambda: torch.topk(scores + bias, k=top_k, dim=1)))
    add('top_k_unbiased', device_us(lambda: torch.topk(scores, k=top_k, dim=1)))
    add('gather_scores', *both_us(lambda: scores.gather(1, chosen), [scores]))
    add('histogram', device_us(lambda: torch.histc(flat, bins=experts, min=0, max=experts)))
    add('argsort', device_us(lambda: torch.argsort(flat, stable=True)))
    top = scores.gather(1, chosen).detach().requires_grad_()
    add('sort_scores', *both_us(lambda: top.view(-1)[order], [top]))

    x = normal(tokens, hidden).requires_grad_()
    wide = rows.reshape(-1, 1).expand(-1, hidden)
    add('gather_rows', *both_us(lambda: torch.gather(x, 0, wide), [x]))
    add('index_rows', *both_us(lambda: x[rows], [x]))
    add('index_select_rows', *both_us(lambda: x.index_select(0, rows), [x]))
    sorted_scores = top.view(-1)[order].detach().requires_grad_()
    routed = normal(copies, hidden).requires_grad_()
    add('scale_rows', *both_us(lambda: (routed.float() * sorted_scores.reshape(-1, 1)).to(BF16), [routed, sorted_scores]))
    base = normal(tokens, hidden).requires_grad_()
    add('scatter_add_rows', *both_us(lambda: base.scatter_add(0, wide, routed), [base, routed]))
    add('zeros', device_us(lambda: torch.zeros_like(base)))
    turn = torch.randperm(copies, device=CUDA)
    # A permutation moves runs of rows: those of one expert from one rank.
    runs = turn.view(-1)[: max(1, copies // 1024)].argsort()
    turn = (runs.reshape(-1, 1) * 1024 + torch.arange(1024, device=CUDA)).view(-1)
    turn = torch.cat((turn, torch.arange(turn.numel(), copies, device=CUDA)))
    add('permute_select', *both_us(lambda: routed.index_select(0, turn), [routed]))
    add('permute_index', *both_us(lambda: routed[turn], [routed]))

    def back():
        out = torch.empty_like(routed)
        out[turn] = routed
        return out

    def back_copy():
        return routed.new_empty(routed.shape).index_copy_(0, turn, routed)

    add('unpermute_put', *both_us(back, [routed]))
    add('unpermute_copy', *both_us(back_copy, [routed]))
    add('append_row', *both_us(lambda: torch.vstack((routed, routed.new_zeros(1, hidden))), [routed]))
    del wide, base, turn, routed
    gate, up = (normal(copies, ffn).requires_grad_() for _ in range(2))
    add('silu_product', *both_us(lambda: F.silu(gate) * up, [gate, up]))


def measure_megatron_parts(add, hidden, experts, top_k, ffn, scoring, tokens):
    """Unfused router, permutation and its inverse, and the sorting of chunks by expert."""
    del ffn
    copies = tokens * top_k
    logits = torch.randn(tokens, experts, device=CUDA, requires_grad=True)
    bias = torch.zeros(experts, device=CUDA)

    def probabilities():
        if scoring == 'sigmoid':
            scores = torch.sigmoid(logits)
            _, chosen = torch.topk(scores + bias, k=top_k, dim=1)
            kept = torch.gather(scores, 1, chosen)
            probs = kept / (kept.sum(dim=-1, keepdim=True) + 1e-20)
        else:
            kept, chosen = torch.topk(logits, k=top_k, dim=1)
            probs = torch.softmax(kept, dim=-1, dtype=torch.float32)
        probs = probs.type_as(logits)
        return torch.zeros_like(logits).scatter(1, chosen, probs), chosen

    def route():
        probs, chosen = probabilities()
        map_ = torch.zeros_like(logits).int().scatter(1, chosen, 1).bool()
        map_.sum(dim=0)
        return probs

    add('mcore_route', *both_us(route, [logits]))
    probs, chosen = (t.detach() for t in probabilities())
    probs.requires_grad_()
    map_ = torch.zeros_like(logits).int().scatter(1, chosen, 1).bool().detach()
    x = normal(tokens, hidden).requires_grad_()

    def permute(sort):
        by_expert = map_.bool().T.contiguous()
        if sort:
            flat = by_expert.reshape(-1).argsort(descending=True, stable=True)[:copies]
            index = flat % tokens
            kept = probs.T.contiguous().reshape(-1)[flat]
        else:
            numbers = torch.arange(tokens, device=CUDA).unsqueeze(0).expand(experts, -1)
            index = numbers.masked_select(by_expert)
            kept = probs.T.contiguous().masked_select(by_expert)
        return x.index_select(0, index), kept, index

    index = permute(False)[2].detach()
    # masked_select waits for the device: its kernels cannot be issued ahead of time.
    add('mcore_permute_argsort', *both_us(lambda: permute(True)[0], [x]))
    routed = normal(copies, hidden).requires_grad_()

    def unpermute():
        out = torch.zeros(tokens, hidden, device=CUDA, dtype=BF16)
        return out.scatter_add_(0, index.unsqueeze(1).expand(-1, hidden), routed)

    add('mcore_unpermute', *both_us(unpermute, [routed]))
    ranks, here = 8, max(1, experts // 8)
    chunk = copies // (ranks * here)
    sizes = [chunk] * (ranks * here)
    used = routed[: sum(sizes)].detach().requires_grad_()
    sequence = [r * here + e for e in range(here) for r in range(ranks)]

    def sort_chunks():
        parts = torch.split(used, sizes)
        return torch.cat([parts[i] for i in sequence])

    if here > 1:
        add('mcore_sort_chunks', *both_us(sort_chunks, [used], ahead=20_000_000))


def measure_fused_permutation(add, hidden, experts, top_k, ffn, scoring, tokens):
    """One kernel that reads a token once and writes its copies, and one that adds them up again."""
    del ffn, scoring
    from moe_kernels import combine_rows, spread_rows
    place = torch.argsort(torch.argsort(torch.rand(tokens, experts, device=CUDA).topk(top_k, 1)[1].view(-1), stable=True))
    place = place.to(torch.int32).view(tokens, top_k)
    x, routed = normal(tokens, hidden), normal(tokens * top_k, hidden)
    out, sums = torch.empty_like(routed), torch.empty_like(x)
    add('spread_rows', device_us(lambda: spread_rows(x, place, out)))
    add('combine_rows', device_us(lambda: combine_rows(routed, place, sums)))


# hidden, ffn of an expert, experts here, rows an expert besides the common ones
PRODUCTS = [
    (2048, 1408, (16, 64, 8), (1536, 6144)),
    (2048, 768, (16, 128), ()),
    (7168, 2048, (4, 32), ()),
    (4096, 14336, (8, 2), ()),
    (2880, 2880, (4, 16), ()),
]
STREAMS = []
CAPTURE = []


def on_streams(calls):
    """One call after the other over four streams, as Transformer Engine's grouped product does."""
    here = torch.cuda.current_stream()
    for stream in STREAMS:
        stream.wait_stream(here)
    for i, stream in enumerate(STREAMS):
        with torch.cuda.stream(stream):
            for call in calls[i::len(STREAMS)]:
                call()
    for stream in STREAMS:
        here.wait_stream(stream)


def busy_us(run, estimate, budget=0.012, ahead=True):
    """Mean over repeated runs on a busy device, that the host issued ahead of time if it can."""
    run()
    run()
    times = max(3, min(60, int(budget / max(estimate, 5e-6))))
    first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    if ahead:
        torch.cuda._sleep(min(20_000_000, 200_000 * times))
    first.record()
    for _ in range(times):
        run()
    last.record()
    torch.cuda.synchronize()
    return first.elapsed_time(last) * 1e3 / times


def graph_us(run, estimate):
    run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.stream(CAPTURE[0]):  # torch.cuda.graph collects garbage first, which takes longer
        graph.capture_begin()
        try:
            run()
        finally:
            graph.capture_end()
    return busy_us(graph.replay, estimate)


def issued_us(run, estimate):
    return busy_us(run, estimate, ahead=False)


def measure_products(table, clock):
    if not STREAMS:
        STREAMS.extend(torch.cuda.Stream() for _ in range(4))
        CAPTURE.append(torch.cuda.Stream())
    for hidden, ffn, counts, more in PRODUCTS:
        for groups in counts:
            for rows in sorted({64, 128, 256, 1024, 4096, *more}):
                for n, k in ((ffn, hidden), (2 * ffn, hidden), (hidden, ffn)):
                    flops = 2.0 * groups * rows * n * k
                    if clock.over():
                        return
                    if flops > 1.2e13 or groups * max(rows * (n + k), n * k) > 3e9:
                        continue
                    measure_product(table, groups, rows, n, k)
        print('products', hidden, ffn, clock.now(), flush=True)
        torch.cuda.empty_cache()


def measure_product(table, groups, rows, n, k):
    x, w, dy = normal(groups * rows, k), normal(groups, n, k), normal(groups * rows, n)
    ends = torch.arange(1, groups + 1, device=CUDA, dtype=torch.int32) * rows
    flops = 2.0 * groups * rows * n * k
    estimate = flops / 5e14
    xs, ws, dys = x.split(rows), w.unbind(0), dy.split(rows)
    y, dx, dw = torch.empty_like(dy), torch.empty_like(x), torch.zeros(groups, n, k, device=CUDA)
    ys, dxs, dws = y.split(rows), dx.split(rows), dw.unbind(0)
    range_ = range(groups)

    def add_weights(i):
        torch.ops.aten.addmm.dtype_out(dws[i], dys[i].t(), xs[i], torch.float32, out=dws[i])

    forward = [lambda i=i: torch.mm(xs[i], ws[i].t(), out=ys[i]) for i in range_]
    data = [lambda i=i: torch.mm(dys[i], ws[i], out=dxs[i]) for i in range_]
    weight = [lambda i=i: add_weights(i) for i in range_]
    cases = [
        ('grouped', 'forward', busy_us, lambda: torch._grouped_mm(x, w.transpose(-2, -1), offs=ends)),
        ('grouped', 'backward_data', busy_us, lambda: torch._grouped_mm(dy, w, offs=ends)),
        ('grouped', 'backward_weight', busy_us, lambda: torch._grouped_mm(dy.t(), x, offs=ends)),
        ('batched', 'forward', busy_us, lambda: torch.bmm(x.view(groups, rows, k), w.transpose(-2, -1))),
        ('streams_graph', 'forward', graph_us, lambda: on_streams(forward)),
        ('streams_graph', 'backward_data', graph_us, lambda: on_streams(data)),
        ('streams_graph', 'backward_weight', graph_us, lambda: on_streams(weight)),
        ('streams', 'forward', issued_us, lambda: on_streams(forward)),
        ('serial_graph', 'forward', graph_us, lambda: [call() for call in forward]),
    ]
    for kind, direction, timed, run in cases:
        try:
            us = timed(run, estimate)
        except (RuntimeError, TypeError, NotImplementedError, AttributeError) as error:
            table.add(kind, direction, groups, rows, n, k, '', str(error).split('\n')[0][:80])
            continue
        table.add(kind, direction, groups, rows, n, k, f'{us:.1f}', f'{flops / us * 1e-6:.1f}')


class Layer:
    """A layer as torchtitan runs it: scores before the experts, round-robin routing, `ranks` ranks'
    worth of experts elsewhere (their rows stand for those that come from there)."""

    def __init__(self, hidden, experts, top_k, ffn, scoring, tokens, ranks, permuted):
        self.sizes = (hidden, experts, top_k, ffn, tokens, ranks)
        self.scoring, self.permuted = scoring, permuted
        here = experts // ranks
        self.gate = normal(experts, hidden).mul_(0.02).requires_grad_()
        self.w1, self.w3 = (normal(here, ffn, hidden).mul_(0.02).requires_grad_() for _ in range(2))
        self.w2 = normal(here, hidden, ffn).mul_(0.02).requires_grad_()
        self.bias = torch.zeros(experts, device=CUDA)
        self.used = torch.zeros(experts, device=CUDA)
        self.x = normal(tokens, hidden).requires_grad_()
        self.base = normal(tokens, hidden).requires_grad_()
        each = tokens * top_k // (ranks * here)
        blocks = torch.arange(ranks * here, device=CUDA).view(ranks, here).t().reshape(-1, 1)
        self.turn = (blocks * each + torch.arange(each, device=CUDA)).view(-1)
        self.inputs = [self.x, self.base, self.gate, self.w1, self.w2, self.w3]

    def route(self, x):
        hidden, experts, top_k, ffn, tokens, ranks = self.sizes
        scores = F.linear(x, self.gate).float()
        scores = torch.sigmoid(scores) if self.scoring == 'sigmoid' else F.softmax(scores, dim=1)
        _, chosen = torch.topk(scores + self.bias, k=top_k, dim=1)
        # Compiled code must not drop the choice that forced balance replaces.
        chosen = chosen * 0 + torch.arange(tokens * top_k, device=CUDA).reshape(tokens, top_k) % experts
        return scores.gather(1, chosen), chosen, torch.histc(chosen.view(-1), bins=experts, min=0, max=experts)

    def reorder(self, top, chosen):
        experts, top_k = self.sizes[1:3]
        counts = torch.histc(chosen.view(-1), bins=experts, min=0, max=experts)
        order = torch.argsort(chosen.view(-1), stable=True)
        return top.view(-1)[order], order // top_k, counts

    @staticmethod
    def experts(w1, w2, w3, x, counts):
        ends = torch.cumsum(counts, dim=0, dtype=torch.int32)
        h = F.silu(torch._grouped_mm(x, w1.transpose(-2, -1), offs=ends))
        h = h * torch._grouped_mm(x, w3.transpose(-2, -1), offs=ends)
        return torch._grouped_mm(h, w2.transpose(-2, -1), offs=ends)

    def forward(self):
        hidden, experts, top_k, ffn, tokens, ranks = self.sizes
        top, chosen, counts = self.route(self.x)
        with torch.no_grad():
            self.used.add_(counts)
        top, rows, counts = self.reorder(top, chosen)
        wide = rows.reshape(-1, 1).expand(-1, hidden)
        routed = torch.gather(self.x, 0, wide)
        routed = (routed.float() * top.reshape(-1, 1)).to(BF16)
        counts = counts.view(ranks, -1).sum(0)
        if self.permuted:
            routed = routed[self.turn, :]
        out = self.experts(self.w1, self.w2, self.w3, routed, counts)
        if self.permuted:
            sorted_out, out = out, out.new_empty(out.shape)
            out[self.turn, :] = sorted_out
        return self.base.scatter_add(0, wide, out)


def measure_layer(table, kernels, name, label, layer, forward):
    inputs = layer.inputs
    ahead, back = both_us(forward, inputs, repeats=3, ahead=60_000_000)
    hosts = []
    for _ in range(3):
        torch.cuda.synchronize()
        torch.cuda._sleep(100_000_000)
        start = time.perf_counter()
        result = forward()
        middle = time.perf_counter()
        torch.autograd.grad(result.sum(), inputs)
        hosts.append((middle - start, time.perf_counter() - middle))
        torch.cuda.synchronize()
    host = [min(times) * 1e6 for times in zip(*hosts)]
    hidden, experts, top_k, ffn, tokens, ranks = layer.sizes
    row = (name, label, tokens, hidden, experts, top_k, ffn, ranks)
    table.add(*row, f'{ahead:.1f}', f'{back:.1f}', f'{host[0]:.0f}', f'{host[1]:.0f}')
    from torch.profiler import ProfilerActivity, profile
    result = forward()
    gradient = torch.randn_like(result)
    for part in ('forward', 'backward'):
        torch.cuda.synchronize()
        with profile(activities=[ProfilerActivity.CUDA]) as profiler:
            if part == 'forward':
                forward()
            else:
                torch.autograd.grad(result, inputs, gradient, retain_graph=True)
            torch.cuda.synchronize()
        for event in profiler.key_averages():
            us = getattr(event, 'self_device_time_total', None)
            us = getattr(event, 'self_cuda_time_total', 0) if us is None else us
            if us > 0:
                kernels.add(name, label, tokens, ranks, part, event.count, f'{us:.1f}', event.key.replace('\n', ' ')[:150])


def measure_attention(add):
    """Latent attention's parts at 16 heads of 192 and 128: assembly of queries and keys, a norm, attention."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    batch, heads, seq = 4, 16, 4096
    frequencies = torch.polar(torch.ones(seq, 32, device=CUDA), torch.rand(seq, 32, device=CUDA)).view(1, seq, 1, 32)

    def rotate(x):
        pairs = torch.view_as_complex(x.float().view(*x.shape[:-1], -1, 2))
        return torch.view_as_real(pairs * frequencies).flatten(3).to(x.dtype)

    q_in = normal(batch, seq, heads, 192).requires_grad_()
    kv_in = normal(batch, seq, heads, 256).requires_grad_()
    k_pe_in = normal(batch, seq, 1, 64).requires_grad_()

    def assemble():
        nope, pe = torch.split(q_in, [128, 64], dim=-1)
        q = torch.cat([nope, rotate(pe)], dim=-1)
        k_nope, v = torch.split(kv_in, [128, 128], dim=-1)
        k = torch.cat([k_nope, rotate(k_pe_in).expand(-1, -1, heads, -1)], dim=-1)
        return q, k, v

    q, k, v = assemble()
    gradients = [torch.randn_like(t) for t in (q, k)]
    add('mla_assembly', device_us(assemble),
        device_us(lambda: torch.autograd.grad((q, k), (q_in, kv_in, k_pe_in), gradients, retain_graph=True)))
    for width in (2048, 512):
        norm_in, weight = normal(batch * seq, width).requires_grad_(), normal(width).requires_grad_()
        add(f'rms_norm_{width}', *both_us(lambda: F.rms_norm(norm_in, (width,), weight, 1e-5), [norm_in, weight]))
    q, k, v = (t.detach().transpose(1, 2).requires_grad_() for t in (q, k, v))
    with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
        add('attention_cudnn', *both_us(lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True), [q, k, v]))


def measure_flex(add, label, batch, heads, seq, dims, mode):
    """PyTorch's flex attention, causal, compiled as torchtitan does with `max-autotune`."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention
    q, k, v = (normal(batch, heads, seq, d).requires_grad_() for d in (dims[0], *dims))
    mask = create_block_mask(lambda b, h, i, j: i >= j, None, None, seq, seq, device='cuda')
    torch._dynamo.reset()
    flex = torch.compile(flex_attention, mode=mode)
    add(label, *both_us(lambda: flex(q, k, v, block_mask=mask), [q, k, v]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--out', required=True)
    parser.add_argument('--seconds', type=float, default=200)
    arguments = parser.parse_args()
    folder, clock = arguments.out, Clock(arguments.seconds)
    parts = Table(folder, 'moe_parts.csv', ['part', 'model', 'tokens', 'hidden', 'experts', 'top_k', 'ffn', 'forward_us', 'backward_us'])
    products = Table(folder, 'moe_products.csv', ['kind', 'pass', 'groups', 'rows', 'n', 'k', 'us', 'tflops'])
    layers = Table(folder, 'moe_layer.csv', ['model', 'run', 'tokens', 'hidden', 'experts', 'top_k', 'ffn', 'ranks', 'forward_us',
                                             'backward_us', 'forward_host_us', 'backward_host_us'])
    kernels = Table(folder, 'moe_kernels.csv', ['model', 'run', 'tokens', 'ranks', 'pass', 'count', 'us', 'kernel'])

    def guarded(what, run, *values):
        if clock.over():
            return
        try:
            run(*values)
        except Exception:  # a part that fails must not cost the others
            print('FAILED', what, flush=True)
            traceback.print_exc(limit=4)
        torch.cuda.empty_cache()
        print(what, clock.now(), flush=True)

    def add_part(name, shape):
        hidden, experts, top_k, ffn, _, tokens = shape

        def add(part, forward, backward=None):
            parts.add(part, name, tokens, hidden, experts, top_k, ffn, f'{forward:.1f}', '' if backward is None else f'{backward:.1f}')

        return add

    shapes = [(name, (hidden, experts, top_k, ffn, scoring, tokens))
              for name, hidden, experts, top_k, ffn, scoring, many in MODELS for tokens in many]
    for name, shape in shapes:
        guarded(f'parts {name} {shape[-1]}', measure_parts, add_part(name, shape), *shape)
        guarded(f'megatron {name} {shape[-1]}', measure_megatron_parts, add_part(name, shape), *shape)
        guarded(f'fused {name} {shape[-1]}', measure_fused_permutation, add_part(name, shape), *shape)

    def layer_runs(name, shape, ranks, compiles):
        layer = Layer(*shape, ranks, ranks > 1)
        measure_layer(layers, kernels, name, 'eager', layer, layer.forward)
        if not compiles or clock.over():
            return
        plain = (layer.route, layer.reorder, layer.experts)
        # What torchtitan's apply_compile compiles of a layer: its children, and the experts' products.
        layer.route, layer.reorder, layer.experts = (torch.compile(f, fullgraph=True) for f in plain)
        guarded(f'compiled parts {name}', measure_layer, layers, kernels, name, 'parts_compiled', layer, layer.forward)
        layer.route, layer.reorder, layer.experts = plain
        if not clock.over():
            whole = torch.compile(layer.forward)
            guarded(f'compiled {name}', measure_layer, layers, kernels, name, 'compiled', layer, whole)

    guarded('products', measure_products, products, clock)
    guarded('layer qwen', layer_runs, 'qwen3-30b', (2048, 128, 8, 768, 'softmax', 4096), 8, False)
    guarded('layer gpt-oss', layer_runs, 'gpt-oss-120b', (2880, 128, 4, 2880, 'softmax', 8192), 8, False)
    guarded('layer mixtral', layer_runs, 'mixtral-8x7b', (4096, 8, 2, 14336, 'softmax', 8192), 4, False)
    guarded('layer 16b', layer_runs, 'dsv3-16b', (2048, 64, 6, 1408, 'softmax', 16384), 1, False)
    guarded('layer 16b ep4 large', layer_runs, 'dsv3-16b', (2048, 64, 6, 1408, 'softmax', 65536), 4, False)
    guarded('layer 16b ep4 compiled', layer_runs, 'dsv3-16b', (2048, 64, 6, 1408, 'softmax', 16384), 4, True)
    attention = add_part('dsv3-16b', (2048, 64, 6, 1408, '', 16384))
    guarded('attention', measure_attention, attention)
    tuned = 'max-autotune-no-cudagraphs'
    guarded('flex tuned', measure_flex, attention, 'attention_flex_tuned', 4, 16, 4096, (192, 128), tuned)
    guarded('flex', measure_flex, attention, 'attention_flex', 4, 16, 4096, (192, 128), None)
    guarded('flex 128 tuned', measure_flex, attention, 'attention_flex_tuned_2x32x8192x128', 2, 32, 8192, (128, 128), tuned)


if __name__ == '__main__':
    main()
