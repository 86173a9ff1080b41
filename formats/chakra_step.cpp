#include "formats/chakra_step.hpp"

#include <algorithm>

#include "scenarios/network.hpp"

namespace formats {

using strategies::GroupKind;
using strategies::Op;
using strategies::OpKind;

ChakraStep::ChakraStep(const scenarios::Scenario& scenario)
    : scenario_(scenario),
      step_(scenarios::build_step(scenario)),
      dense_(strategies::dense_mesh(step_->plan)),
      expert_(strategies::expert_mesh(step_->plan)),
      slowdown_(static_cast<std::size_t>(world()), 1.0) {
  for (const auto& slow : scenario.faults.slow_ranks) {
    if (slow.rank < world()) slowdown_[static_cast<std::size_t>(slow.rank)] *= slow.factor;
  }
  for (std::int64_t stage = 0; stage < stages(); ++stage) look_at(stage);
  number_groups();
}

void ChakraStep::look_at(std::int64_t stage) {
  for (const Op& op : program(first_of(stage)).ops()) {
    if (op.kind == OpKind::send) {
      const std::int64_t target = stage_of(peer(first_of(stage), op.group));
      messages_[{stage, target, op.message}] = {messages_.size(), op.bytes};
    }
    if (op.kind != OpKind::collective) continue;
    if (strategies::is_with_host(op.group)) {
      has_.offloading = true;
      continue;
    }
    columns_.try_emplace({op.group, op.stream}, columns_.size());
    has_.broadcast = has_.broadcast || op.collective == collectives::Kind::broadcast;
    has_.forwarded = has_.forwarded || op.forwarded.count() > 0;
  }
}

void ChakraStep::number_groups() {
  group_of_.assign(static_cast<std::size_t>(world()), std::vector<std::size_t>(columns_.size()));
  for (const auto& [place, column] : columns_) {
    for (std::int64_t rank = 0; rank < world(); ++rank) {
      if (group_of_[static_cast<std::size_t>(rank)][column] != 0) continue;
      std::vector<std::int64_t> group = members(rank, place.first);
      if (group.size() < 2) continue;
      groups_.push_back(std::move(group));
      for (const std::int64_t member : groups_.back()) {
        group_of_[static_cast<std::size_t>(member)][column] = groups_.size();
      }
    }
  }
}

std::size_t ChakraStep::group(std::int64_t rank, const Op& op) const {
  return group_of_[static_cast<std::size_t>(rank)][columns_.at({op.group, op.stream})];
}

double ChakraStep::seconds(std::int64_t rank, const Op& op) const {
  if (op.kind == OpKind::compute) {
    return op.duration.seconds() * slowdown_[static_cast<std::size_t>(rank)];
  }
  if (op.kind != OpKind::collective || op.group != GroupKind::host) return 0.0;
  const auto time = [](sim::Bytes bytes, sim::Bandwidth rate) {
    return bytes.count() > 0 ? bytes.as_double() / rate.bytes_per_second() : 0.0;
  };
  return std::max(time(op.bytes, scenarios::host_memory_of(scenario_)),
                  time(op.forwarded, scenarios::nvme_of(scenario_)));
}

strategies::Stream ChakraStep::lane(strategies::Stream stream) const {
  const bool shared =
      scenario_.implementation.serial_data_collectives && stream == strategies::Stream::reduce;
  return shared ? strategies::Stream::gather : stream;
}

}  // namespace formats
