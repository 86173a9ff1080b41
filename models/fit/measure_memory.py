#!/usr/bin/env python3
"""Measures on the local GPU the memory of a Llama-like decoder trained with FSDP2 (fully_shard), one
unit a block, as torchtitan does: the ranks that are not there are those of PyTorch's `fake` process
group, whose collectives take no time but have their buffers. Needs PyTorch with CUDA; nothing in the
build depends on it.

    PYTORCH_ALLOC_CONF=expandable_segments:True python3 models/fit/measure_memory.py --out FOLDER

Writes memory.csv, one row a configuration: GiB of the third step (peaks of allocated memory in each
part of it, of allocated and of reserved memory, what is allocated after forward, after backward and
after the step), and the seconds of a step without communication.
"""
import argparse
import csv
import gc
import os
import time
import traceback
from collections import defaultdict

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.distributed._composable.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.distributed.device_mesh import init_device_mesh
from torch.testing._internal.distributed.fake_pg import FakeStore
from torch.utils.checkpoint import CheckpointPolicy, create_selective_checkpoint_contexts

GIB = 2.0**30
PARTS = ['model', 'loss', 'backward', 'optimizer']


class Attention(nn.Module):
    def __init__(self, width, heads, kv_heads):
        super().__init__()
        self.heads, self.kv_heads, self.size = heads, kv_heads, width // heads
        self.wq = nn.Linear(width, width, bias=False)
        self.wk = nn.Linear(width, kv_heads * self.size, bias=False)
        self.wv = nn.Linear(width, kv_heads * self.size, bias=False)
        self.wo = nn.Linear(width, width, bias=False)

    def forward(self, x, angles):
        b, s, _ = x.shape
        q = self.wq(x).view(b, s, -1, self.size)
        k = self.wk(x).view(b, s, -1, self.size)
        v = self.wv(x).view(b, s, -1, self.size)
        q, k = rotate(q, angles), rotate(k, angles)
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return self.wo(out.transpose(1, 2).contiguous().view(b, s, -1))


def rotate(x, angles):
    pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * angles.view(1, x.shape[1], 1, -1)).flatten(3).type_as(x)


class Block(nn.Module):
    def __init__(self, width, heads, kv_heads, ffn):
        super().__init__()
        self.attention = Attention(width, heads, kv_heads)
        self.w1 = nn.Linear(width, ffn, bias=False)
        self.w2 = nn.Linear(ffn, width, bias=False)
        self.w3 = nn.Linear(width, ffn, bias=False)
        self.attention_norm, self.ffn_norm = nn.RMSNorm(width), nn.RMSNorm(width)

    def forward(self, x, angles):
        h = x + self.attention(self.attention_norm(x), angles)
        n = self.ffn_norm(h)
        return h + self.w2(F.silu(self.w1(n)) * self.w3(n))


class Decoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embedding = nn.Embedding(c['vocab'], c['hidden'])
        self.layers = nn.ModuleDict(
            {str(i): Block(c['hidden'], c['heads'], c['kv_heads'], c['ffn']) for i in range(c['layers'])})
        self.norm = nn.RMSNorm(c['hidden'])
        self.output = nn.Linear(c['hidden'], c['vocab'], bias=False)
        size = c['hidden'] // c['heads']
        steps = torch.outer(torch.arange(c['seq_len']).float(), 5e5 ** (-torch.arange(0, size, 2).float() / size))
        self.register_buffer('angles', torch.polar(torch.ones_like(steps), steps), persistent=False)

    def forward(self, tokens):
        h = self.embedding(tokens)
        for layer in self.layers.values():
            h = layer(h, self.angles)
        return self.output(self.norm(h))


KEPT = {torch.ops.aten.mm.default, torch.ops.aten._scaled_dot_product_efficient_attention.default,
        torch.ops.aten._scaled_dot_product_flash_attention.default,
        torch.ops.aten._scaled_dot_product_cudnn_attention.default}


def every_other_product():
    """torchtitan's policy `op`: every second matrix product is computed again."""
    count = defaultdict(int)

    def policy(ctx, op, *args, **kwargs):
        mode = 'recompute' if ctx.is_recompute else 'forward'
        if op == torch.ops.aten.mm.default:
            count[mode] += 1
        keep = op in KEPT and not (op == torch.ops.aten.mm.default and count[mode] % 2 == 0)
        return CheckpointPolicy.MUST_SAVE if keep else CheckpointPolicy.PREFER_RECOMPUTE

    return create_selective_checkpoint_contexts(policy)


def prepare(c):
    with torch.device('cuda'):
        model = Decoder(c)
    for name, layer in list(model.layers.items()):
        if c['recompute'] == 'full':
            layer = checkpoint_wrapper(layer, preserve_rng_state=False)
        elif c['recompute'] == 'selective':
            layer = checkpoint_wrapper(layer, context_fn=every_other_product, preserve_rng_state=False)
        if c['compile']:
            layer = torch.compile(layer, fullgraph=True)
        model.layers[name] = layer
    mesh = init_device_mesh('cuda', (c['ranks'],), mesh_dim_names=('dp',))
    how = {'mesh': mesh, 'mp_policy': MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)}
    fully_shard(model.embedding, **how)
    layers = list(model.layers.values())
    for layer in layers:
        fully_shard(layer, **how, reshard_after_forward=True)
    fully_shard([model.norm, model.output], **how, reshard_after_forward=False)
    fully_shard(model, **how)
    return model


def measure(c):
    dist.init_process_group('fake', store=FakeStore(), rank=0, world_size=c['ranks'])
    model = prepare(c)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True, foreach=False)
    tokens = torch.randint(0, c['vocab'], (c['micro_batch'], c['seq_len']), device='cuda')
    loss_of = lambda logits, labels: F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten(0, 1))
    if c['compile']:
        loss_of = torch.compile(loss_of)
    out = {}

    def peak(part):
        out[f'{part}_peak_gib'] = torch.cuda.max_memory_allocated() / GIB
        reserved.append(torch.cuda.max_memory_reserved() / GIB)
        torch.cuda.reset_peak_memory_stats()

    for step in range(3):
        reserved = []
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        start = time.perf_counter()
        optimizer.zero_grad()
        logits = model(tokens)
        peak('model')
        loss = loss_of(logits, tokens)
        peak('loss')
        out['after_forward_gib'] = torch.cuda.memory_allocated() / GIB
        del logits
        loss.backward()
        peak('backward')
        out['after_backward_gib'] = torch.cuda.memory_allocated() / GIB
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=True)
        optimizer.step()
        torch.cuda.synchronize()
        peak('optimizer')
        out['step_s'] = time.perf_counter() - start
        out['after_step_gib'] = torch.cuda.memory_allocated() / GIB
        out['allocated_gib'] = max(out[f'{part}_peak_gib'] for part in PARTS)
        out['reserved_gib'] = max(reserved)
    stats = torch.cuda.memory_stats()
    out['inactive_split_gib'] = stats['inactive_split_bytes.all.peak'] / GIB
    out['retries'] = stats['num_alloc_retries']
    free, total = torch.cuda.mem_get_info()
    out['driver_gib'] = (total - free) / GIB
    del model, optimizer, tokens, loss, norm
    dist.destroy_process_group()
    return out


BASE = {'layers': 8, 'hidden': 4096, 'heads': 32, 'kv_heads': 8, 'ffn': 14336, 'vocab': 128256, 'seq_len': 8192,
        'ranks': 8, 'micro_batch': 1, 'recompute': 'none', 'compile': False}
CASES = [{}, {'recompute': 'selective'}, {'recompute': 'full'}, {'recompute': 'full', 'micro_batch': 2},
         {'recompute': 'selective', 'micro_batch': 2}, {'recompute': 'selective', 'ranks': 64},
         {'recompute': 'selective', 'layers': 16}, {'recompute': 'full', 'layers': 16, 'micro_batch': 2},
         {'hidden': 2048, 'ffn': 8192, 'layers': 16, 'micro_batch': 2},
         {'hidden': 5120, 'ffn': 13824, 'heads': 40, 'kv_heads': 40, 'vocab': 32000, 'seq_len': 4096},
         {'recompute': 'selective', 'layers': 32, 'micro_batch': 2},
         {'recompute': 'selective', 'layers': 32, 'micro_batch': 2, 'ranks': 128},
         {'recompute': 'none', 'layers': 32}, {'recompute': 'full', 'layers': 32, 'micro_batch': 2},
         {'compile': True, 'recompute': 'selective', 'layers': 32, 'micro_batch': 2},
         {'compile': True}, {'compile': True, 'recompute': 'selective'}, {'compile': True, 'recompute': 'full'},
         {'compile': True, 'recompute': 'selective', 'layers': 16, 'micro_batch': 1, 'ranks': 64}]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--out', required=True)
    parser.add_argument('--seconds', type=float, default=280.0)
    arguments = parser.parse_args()
    begun = time.time()
    rows = []
    for case in CASES:
        if time.time() - begun > arguments.seconds:
            print('no time left for', case, flush=True)
            continue
        c = {**BASE, **case}
        try:
            row = {**c, **measure(c)}
            rows.append(row)
            print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}, round(time.time() - begun), flush=True)
        except Exception:
            traceback.print_exc()
            if dist.is_initialized():
                dist.destroy_process_group()
        gc.collect()
        torch.cuda.empty_cache()
        torch._dynamo.reset()
        with open(os.path.join(arguments.out, 'memory.csv'), 'w', newline='') as file:
            if rows:
                writer = csv.DictWriter(file, fieldnames=list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)


if __name__ == '__main__':
    main()
