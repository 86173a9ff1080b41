#include "studies/search_rest.hpp"

#include <algorithm>

#include "studies/search_pipeline.hpp"

namespace studies {

using scenarios::Scenario;
using strategies::Activity;
using strategies::Op;
using strategies::OpIndex;
using strategies::OpKind;
using strategies::PassKind;
using strategies::PassSlot;
using strategies::Stream;

namespace {

// Waits, which bear the place of what came before, are no work of a pass.
bool is_work(const Op& op) {
  return op.stream == Stream::compute && op.activity != Activity::other;
}

bool is_forward(const Op& op) { return op.activity == Activity::forward; }

bool of_one_pass(const Op& a, const Op& b) {
  return a.chunk == b.chunk && a.micro_batch == b.micro_batch && is_forward(a) == is_forward(b);
}

// Whether the pass of some work begins with it, and not with an exchange that it waits for. That a
// message has come is not part of the pass.
bool begins_pass(const strategies::Program& program, OpIndex op) {
  const Op& first = program.op(op);
  for (OpIndex i = op; i-- > 0;) {
    const Op& other = program.op(i);
    if (is_work(other)) return !of_one_pass(other, first);
    if (other.kind == OpKind::collective && other.chunk == first.chunk &&
        other.micro_batch == first.micro_batch) {
      return false;
    }
  }
  return true;
}

double work_left_in_pass(const strategies::Program& program, OpIndex op) {
  double left = 0.0;
  for (OpIndex i = op; i < program.size(); ++i) {
    const Op& other = program.op(i);
    if (!is_work(other)) continue;
    if (!of_one_pass(other, program.op(op))) break;
    left += static_cast<double>(other.duration.count());
  }
  return left;
}

}  // namespace

// The halves of a split backward look alike: the second leaves less.
sim::Time RestOfStep::from(const strategies::Program& program, std::int64_t stage,
                           OpIndex op) const {
  while (op < program.size() && !is_work(program.op(op))) ++op;
  if (op == program.size()) return sim::Time::zero();
  const Op& first = program.op(op);
  const auto& slots = schedule_.stages[static_cast<std::size_t>(stage)];
  const auto slot = std::find_if(slots.rbegin(), slots.rend(), [&](const PassSlot& s) {
    return s.chunk == first.chunk && s.micro_batch == first.micro_batch &&
           (s.kind == PassKind::forward) == is_forward(first);
  });
  if (slot == slots.rend()) return sim::Time::zero();  // before or after the passes
  const auto after = static_cast<std::size_t>(slots.rend() - slot);
  const std::vector<double>& rest = of_passes_[static_cast<std::size_t>(stage)];
  double least = work_left_in_pass(program, op) + rest[after];
  if (begins_pass(program, op)) least = std::max(least, rest[after - 1]);
  return sim::Time::ps(static_cast<std::int64_t>(least));
}

// From the last pass to the first.
std::vector<std::vector<double>> PipelineBound::rest() {
  const SearchBounds::PassTimes& passes = timed();
  const std::vector<TailBounds::TailPtr>& after = tails();
  std::vector<std::vector<double>> out(passes.clock.size());
  if (prepared_.facts->pairs) return {};
  meet_messages();
  for (std::size_t s = 0; s < out.size(); ++s) {
    const std::vector<double> starts(passes.last_start[s].size(), 0.0);
    double reduced = 0.0;  // so late that all reductions are over before
    for (const TailBounds::Step& step : after[s]->steps) reduced += step.work;
    const double end = bounds_.tails_.end(*after[s], starts, reduced);
    out[s].push_back((end - reduced) * kBoundSlack);
  }
  std::vector<double> taken_on(order_.size(), 0.0);  // from the end of a pass, by who takes it on
  for (std::size_t i = order_.size(); i-- > 0;) {
    const OrderedPass& pass = order_[i];
    std::vector<double>& stage = out[pass.stage];
    const double gone = plan_.overlap.p2p ? 0.0 : message(pass.stage, pass.to);
    const double start =
        passes.least[i] * kBoundSlack + std::max(taken_on[i], gone * kBoundSlack + stage.back());
    if (pass.waits_for >= 0) {
      double& from = taken_on[static_cast<std::size_t>(pass.waits_for)];
      from = std::max(from, message(pass.from, pass.stage) * kBoundSlack + start);
    }
    stage.push_back(start);
  }
  for (std::vector<double>& stage : out) std::reverse(stage.begin(), stage.end());
  return out;
}

std::vector<std::vector<double>> SearchBounds::rest(const SearchCore& core,
                                                    const Scenario& scenario,
                                                    const strategies::Fleet& fleet) {
  prices_.share(&fleet);
  auto out =
      PipelineBound(*this, prepare(core, scenario), scenario, PipelineBound::Of::variant).rest();
  prices_.share(nullptr);
  return out;
}

}  // namespace studies
