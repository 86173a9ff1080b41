#include "studies/search_tail.hpp"

#include <algorithm>

namespace studies {

using strategies::Op;
using strategies::OpIndex;
using strategies::OpKind;
using strategies::Stream;

const strategies::Program& TailBound::program(const std::vector<strategies::Chunk>& chunks,
                                              const std::vector<strategies::PassSlot>& last) {
  Key key;
  for (const strategies::Chunk& chunk : chunks) {
    key.push_back(static_cast<std::uintptr_t>(chunk.tied_parameters));
    for (const strategies::Unit& unit : chunk.units) {
      key.push_back(reinterpret_cast<std::uintptr_t>(unit.cost));
    }
    key.push_back(0);
  }
  for (const strategies::PassSlot& slot : last) {
    key.push_back(static_cast<std::uintptr_t>(slot.chunk));
  }
  const auto found = programs_.find(key);
  if (found != programs_.end()) return found->second;
  auto emitted = units_.emit(scenario_, table_, plan_, chunks, last, micro_batches_);
  return programs_.emplace(std::move(key), std::move(emitted)).first->second;
}

// The passes themselves take no time here, they only begin when they do; the transfers of the
// reduction follow each other on their stream, and what comes after the passes follows both.
double TailBound::end(const std::vector<strategies::Chunk>& chunks,
                      const std::vector<strategies::PassSlot>& last,
                      const std::vector<double>& starts, double passes_end) {
  const strategies::Program& all = program(chunks, last);
  const double stretch = units_.stretch(scenario_);
  std::vector<double> finish(all.size(), 0.0);
  std::array<double, strategies::kStreams> free{};
  double end = passes_end;
  bool begun = false;
  for (OpIndex i = 0; i < all.size(); ++i) {
    const Op& op = all.op(i);
    const bool in_pass = op.micro_batch >= 0;
    begun = begun || in_pass;
    if (!begun) continue;  // what the step begins with is over by now
    double start = std::max(free[static_cast<std::size_t>(op.stream)],
                            in_pass ? starts[static_cast<std::size_t>(op.chunk)] : passes_end);
    for (const OpIndex d : all.dependencies(i)) start = std::max(start, finish[d]);
    double work = 0.0;
    if (op.kind != OpKind::compute && (!in_pass || op.stream == Stream::reduce)) {
      work = prices_.price(op, shapes_).time;
    } else if (op.kind == OpKind::compute && !in_pass) {
      work = static_cast<double>(op.duration.count()) * stretch;
    }
    finish[i] = free[static_cast<std::size_t>(op.stream)] = start + work;
    if (op.kind == OpKind::compute) end = std::max(end, finish[i]);
  }
  return end;
}

}  // namespace studies
