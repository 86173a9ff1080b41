// Tokens of a layer of experts are copied into the experts' order, and their outputs back.
#include <algorithm>

#include "models/moe_sizes.hpp"

namespace models::detail {
namespace {

constexpr Modules kMoe = module_bit(Module::moe);

sim::Bytes bytes(double elements, double each) { return sim::Bytes::ceil(elements * each); }

// Tokens are copied into expert order before the exchange, and sorted by local expert after it; an
// exchange that routes leaves only the sorting. Dispatched tokens are forward's in `permute`, and
// in `unpermute` backward's. On an H100 kernels that read a token once and write its copies, or add
// them up, and sorting take these bytes' time within 10 % (models/fit/measured/h100-80gb/
// moe_parts.csv: spread_rows, combine_rows, mcore_sort_chunks).
Operator& add_fused(OperatorBuilder& builder, const Shard& shard, Region region,
                    const MoeSizes& sizes, std::int64_t hidden) {
  const bool dispatch = region == Region::dispatch;
  Streamed spec{.name = dispatch ? "permute" : "unpermute", .kind = OpKind::permute};
  spec.region = region;
  spec.modules = kMoe;
  const double h = static_cast<double>(hidden);
  const double sort = sizes.local_experts > 1 ? 2.0 : 0.0;
  spec.elements = h * sort * static_cast<double>(sizes.received);
  spec.forward_kernels = spec.backward_kernels = sizes.local_experts > 1 ? 2 : 0;
  if (!shard.exchange_routes) {
    spec.elements += h * static_cast<double>(sizes.tokens + sizes.assigned);
    spec.forward_kernels = spec.backward_kernels = sizes.local_experts > 1 ? 4 : 2;
  }
  const double dispatched = std::min(builder.dims().element, shard.dispatch_bytes);
  spec.forward_bytes = dispatch ? dispatched : builder.dims().element;
  spec.backward_bytes = dispatch ? builder.dims().element : dispatched;
  Operator& op = builder.streamed(spec);
  op.workspace =
      bytes(h * static_cast<double>(sizes.assigned + sizes.received), builder.dims().element);
  return op;
}

// In plain PyTorch (torchtitan's MoE): tokens are gathered, and cast up, multiplied by their scores
// in fp32 and cast down; after the exchange another gather sorts them by expert, an assignment to
// indices puts the outputs back, and a scatter adds them up. Compilers leave it alone: torchtitan's
// apply_compile keeps out what holds an exchange.
//
// What each takes on an H100, in bytes an element of the copies at its sustained 2.9 TB/s
// (models/fit/measured/h100-80gb/moe_parts.csv; the same within 5 % for hidden sizes of 2,048 to
// 7,168 and 2 to 8 experts a token). Copies and sums grow with the element: in elements of 16 bits.
constexpr double kGather = 1.75;         // 3.1 to 4.1: a row read, partly from L2, and written
constexpr double kAtomicSum = 5.5;       // 11, and the zeros it adds to
constexpr double kScale = 24.5;          // bytes: three kernels, in fp32
constexpr double kScaleBackward = 40.0;  // bytes: five kernels in fp32, one a sum over each row
constexpr double kPut = 6.75;            // 13.5: index_put
constexpr double kAccumulate = 5.5;  // 11: index_put that accumulates, after sorting the indices

struct Rows {
  double copies = 0.0;    // elements this rank sends
  double received = 0.0;  // elements its experts compute
  double tokens = 0.0;    // elements before they are copied
  bool sorted = false;    // by expert, after the exchange
};

Rows rows_of(const Shard& shard, const MoeSizes& sizes, std::int64_t hidden) {
  const double h = static_cast<double>(hidden);
  return {.copies = h * static_cast<double>(sizes.assigned),
          .received = h * static_cast<double>(sizes.received),
          .tokens = h * static_cast<double>(sizes.tokens),
          .sorted = shard.ep > 1 && sizes.local_experts > 1};
}

void add_plain_dispatch(OperatorBuilder& builder, const Rows& rows) {
  const double e = builder.dims().element;
  const double zeros = e * rows.tokens / rows.copies;
  builder.streamed({.name = "gather",
                    .kind = OpKind::permute,
                    .region = Region::dispatch,
                    .modules = kMoe,
                    .elements = rows.copies,
                    .forward_bytes = kGather * e,
                    .backward_bytes = kAtomicSum * e + zeros,
                    .backward_kernels = 2});
  Operator& scale = builder.streamed({.name = "scale",
                                      .region = Region::dispatch,
                                      .modules = kMoe,
                                      .elements = rows.copies,
                                      .forward_bytes = kScale,
                                      .backward_bytes = kScaleBackward,
                                      .forward_kernels = 3,
                                      .backward_kernels = 5});
  scale.saved_internal = bytes(rows.copies, 4.0);  // the product's fp32 operand
  scale.internal_freed_by = kMoe;
  scale.workspace = bytes(rows.copies, 12.0 + e);  // gradient and both products in fp32
  if (!rows.sorted) return;
  builder.streamed({.name = "permute",
                    .kind = OpKind::permute,
                    .region = Region::dispatch,
                    .modules = kMoe,
                    .elements = rows.received,
                    .forward_bytes = 2.0 * e,
                    .backward_bytes = kAccumulate * e,
                    .backward_kernels = 2});
}

void add_plain_combine(OperatorBuilder& builder, const Rows& rows) {
  const double e = builder.dims().element;
  if (rows.sorted) {
    Operator& back = builder.streamed({.name = "unpermute",
                                       .kind = OpKind::permute,
                                       .region = Region::combine,
                                       .modules = kMoe,
                                       .elements = rows.received,
                                       .forward_bytes = kPut * e,
                                       .backward_bytes = 2.0 * e});
    back.workspace = bytes(rows.copies + rows.received, e);
  }
  builder.streamed({.name = "sum",
                    .kind = OpKind::permute,
                    .region = Region::combine,
                    .modules = kMoe,
                    .elements = rows.copies,
                    .forward_bytes = kAtomicSum * e + 2.0 * e * rows.tokens / rows.copies,
                    .backward_bytes = kGather * e,
                    .forward_kernels = 2});
}

}  // namespace

// Tokens that travel quantised are cast once a token, not once a copy.
void add_dispatch(OperatorBuilder& builder, const Transformer& model, const Shard& shard,
                  const MoeSizes& sizes, bool quantised) {
  if (quantised) {
    const double each = builder.dims().element + builder.dims().operand;
    builder.streamed({.name = "cast",
                      .region = Region::dispatch,
                      .modules = kMoe,
                      .elements = static_cast<double>(sizes.tokens * model.hidden),
                      .forward_bytes = each,
                      .backward_bytes = each});
  }
  if (sorts_copies(builder, shard)) {
    add_plain_dispatch(builder, rows_of(shard, sizes, model.hidden));
  } else {
    add_fused(builder, shard, Region::dispatch, sizes, model.hidden);
  }
}

void add_combine(OperatorBuilder& builder, const Transformer& model, const Shard& shard,
                 const MoeSizes& sizes) {
  if (sorts_copies(builder, shard)) {
    add_plain_combine(builder, rows_of(shard, sizes, model.hidden));
    return;
  }
  Operator& combine = add_fused(builder, shard, Region::combine, sizes, model.hidden);
  if (!builder.kernels().fused_activation && !builder.kernels().compiled) {
    // Without the fused weighted activation the weights multiply the experts' outputs, kept for it.
    combine.saved_internal =
        bytes(static_cast<double>(sizes.assigned * model.hidden), builder.dims().element);
    combine.internal_freed_by = kMoe;
  }
}

// Products in fp8 want each expert's rows in multiples of 16 or 32: received tokens are copied
// apart before the experts and together after them (Transformer Engine's Fp8Padding and
// Fp8Unpadding). Tokens that are dropped at a capacity, and routers inside a CUDA graph, leave
// nothing to pad.
void add_padding(OperatorBuilder& builder, const Transformer& model, Region region,
                 const MoeSizes& sizes) {
  const bool even = model.moe->capacity_factor > 0.0 || !builder.kernels().host_issues_experts;
  if (!builder.dims().low_precision || even) return;
  const double e = builder.dims().element;
  builder.streamed({.name = "pad",
                    .kind = OpKind::permute,
                    .region = region,
                    .modules = kMoe,
                    .elements = static_cast<double>(sizes.received * model.hidden),
                    .forward_bytes = 2.0 * e,
                    .backward_bytes = 2.0 * e});
}

}  // namespace models::detail
