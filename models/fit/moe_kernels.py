"""Triton kernels for measure_moe_layer.py that move rows as fused permutations do: one program a
token and slice of its row, which reads it once and writes each copy, or reads the copies and
writes their sum."""
import triton
import triton.language as tl


@triton.jit
def _spread(x, place, out, width, copies: tl.constexpr, block: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * block + tl.arange(0, block)
    inside = column < width
    row = tl.load(x + token * width + column, mask=inside)
    for i in range(copies):
        target = tl.load(place + token * copies + i).to(tl.int64)
        tl.store(out + target * width + column, row, mask=inside)


@triton.jit
def _combine(routed, place, out, width, copies: tl.constexpr, block: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * block + tl.arange(0, block)
    inside = column < width
    total = tl.zeros((block,), dtype=tl.float32)
    for i in range(copies):
        source = tl.load(place + token * copies + i).to(tl.int64)
        total += tl.load(routed + source * width + column, mask=inside, other=0.0).to(tl.float32)
    tl.store(out + token * width + column, total.to(out.dtype.element_ty), mask=inside)


def _launch(kernel, first, place, second, width, block=1024):
    tokens, copies = place.shape
    kernel[(tokens, triton.cdiv(width, block))](first, place, second, width, copies, block)


def spread_rows(x, place, out):
    """`out[place[t, i]] = x[t]`."""
    _launch(_spread, x, place, out, x.shape[1])


def combine_rows(routed, place, out):
    """`out[t] = sum of routed[place[t, i]]`."""
    _launch(_combine, routed, place, out, out.shape[1])

