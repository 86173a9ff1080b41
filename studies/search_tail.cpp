#include "studies/search_tail.hpp"

#include <algorithm>

namespace studies {

using strategies::Op;
using strategies::OpIndex;
using strategies::OpKind;
using strategies::Stream;

namespace {

constexpr std::size_t kMostSteps = 2'000'000;  // to remember: about 80 MB

}  // namespace

std::vector<std::int64_t> OuterPlan::key(std::uint32_t number) const {
  std::vector<std::int64_t> out{number,
                                scenario.plan.world_size(),
                                plan.tp,
                                plan.cp,
                                plan.dp,
                                plan.ep,
                                plan.etp,
                                plan.zero,
                                plan.shard_group,
                                plan.secondary_shard,
                                plan.gather_group,
                                plan.reshard_after_forward ? 1 : 0,
                                plan.overlap.grad_reduce ? 1 : 0,
                                plan.overlap.param_gather ? 1 : 0,
                                static_cast<std::int64_t>(plan.grad_reduce),
                                static_cast<std::int64_t>(plan.offload.optimizer * 1e9),
                                static_cast<std::int64_t>(plan.offload.parameters * 1e9),
                                plan.offload.nvme ? 1 : 0};
  for (const ShapeId shape : shapes) out.push_back(shape);
  return out;
}

TailBounds::Tail TailBounds::emitted(const OuterPlan& plan, const StageLayout& stage) {
  const strategies::Program program = units_.emit(plan.scenario, plan.table, plan.plan,
                                                  stage.hollow, stage.last, UnitTables::Of::last);
  const double stretch = units_.stretch(plan.scenario);
  Tail out;
  OpIndex first = 0;
  while (first < program.size() && program.op(first).micro_batch < 0) ++first;
  for (OpIndex i = first; i < program.size(); ++i) {
    const Op& op = program.op(i);
    const bool in_pass = op.micro_batch >= 0;
    Step step;
    step.compute = op.kind == OpKind::compute;
    step.stream = static_cast<std::uint8_t>(op.stream);
    step.chunk = in_pass ? op.chunk : std::int16_t{-1};
    if (!step.compute && (!in_pass || op.stream == Stream::reduce)) {
      step.work = prices_.price(op, plan.shapes).time;
    } else if (step.compute && !in_pass) {
      step.work = static_cast<double>(op.duration.count()) * stretch;
    }
    step.first_dependency = static_cast<std::uint32_t>(out.dependencies.size());
    for (const OpIndex d : program.dependencies(i)) {
      if (d >= first) out.dependencies.push_back(d - first);  // what comes before is over by now
    }
    step.last_dependency = static_cast<std::uint32_t>(out.dependencies.size());
    out.steps.push_back(step);
  }
  return out;
}

std::vector<TailBounds::TailPtr> TailBounds::of_stages(const OuterPlan& plan,
                                                       const std::vector<StageLayout>& stages) {
  strategies::Plan what = plan.plan;
  what.reshard_after_forward = true;
  // How the passes gather takes no time here.
  if (what.zero == 3) what.overlap.param_gather = false;
  const OuterPlan outer{plan.scenario, plan.table, what, plan.shapes};
  std::vector<std::int64_t> key = outer.key(0);
  std::vector<TailPtr> out;
  for (const StageLayout& stage : stages) {
    key.front() = stage.number;
    TailPtr& tail = tails_[key];
    if (!tail) {
      tail = std::make_shared<const Tail>(emitted(outer, stage));
      steps_ += tail->steps.size();
    }
    out.push_back(tail);
    if (steps_ > kMostSteps) {
      tails_.clear();
      steps_ = 0;
    }
  }
  return out;
}

// The passes themselves take no time here, they only begin when they do; the transfers of the
// reduction follow each other on their stream, and what comes after the passes follows both.
double TailBounds::end(const Tail& all, const std::vector<double>& starts, double passes_end) {
  finish_.resize(all.steps.size());
  std::array<double, strategies::kStreams> free{};
  double end = passes_end;
  for (std::size_t i = 0; i < all.steps.size(); ++i) {
    const Step& step = all.steps[i];
    double start =
        std::max(free[step.stream],
                 step.chunk >= 0 ? starts[static_cast<std::size_t>(step.chunk)] : passes_end);
    for (std::uint32_t d = step.first_dependency; d < step.last_dependency; ++d)
      start = std::max(start, finish_[all.dependencies[d]]);
    finish_[i] = free[step.stream] = start + step.work;
    if (step.compute) end = std::max(end, finish_[i]);
  }
  return end;
}

}  // namespace studies
