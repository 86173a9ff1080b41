// A step as a trace of every rank shows it: who talks to whom, numbered. Internal to chakra.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "scenarios/step_model.hpp"
#include "strategies/mesh.hpp"

namespace formats {

class ChakraStep {
 public:
  explicit ChakraStep(const scenarios::Scenario& scenario);

  std::int64_t world() const { return step_->plan.world_size(); }
  std::int64_t stages() const { return step_->plan.pp; }
  std::int64_t stage_of(std::int64_t rank) const {
    return dense_.coordinate(rank, strategies::Axis::pp);
  }
  std::int64_t first_of(std::int64_t stage) const {
    return dense_.moved(0, strategies::Axis::pp, stage);
  }
  const strategies::Program& program(std::int64_t rank) const {
    return step_->programs[static_cast<std::size_t>(stage_of(rank))];
  }

  // A stream's collectives have a group of their own, because only inside a stream the order of
  // collectives is the same on all members. Groups are numbered from 1.
  const std::vector<std::vector<std::int64_t>>& groups() const { return groups_; }
  std::size_t group(std::int64_t rank, const strategies::Op& op) const;  // 0: alone in it

  // The other end of a send or a receive.
  std::int64_t peer(std::int64_t rank, strategies::GroupKind kind) const {
    return members(rank, kind).back();
  }
  struct Message {
    std::uint64_t tag = 0;
    sim::Bytes bytes;
  };
  const Message& message(std::int64_t from, std::int64_t to, std::uint64_t key) const {
    return messages_.at({stage_of(from), stage_of(to), key});
  }

  // Of compute and of work of the host; of communication none.
  double seconds(std::int64_t rank, const strategies::Op& op) const;
  // What runs in order, as the engine has it: a stream, or two that share what moves their data.
  strategies::Stream lane(strategies::Stream stream) const;

  struct Has {
    bool broadcast = false, forwarded = false, offloading = false;
  };
  const Has& has() const { return has_; }

 private:
  std::vector<std::int64_t> members(std::int64_t rank, strategies::GroupKind kind) const {
    return strategies::group_members(step_->plan, dense_, expert_, kind, rank);
  }
  void look_at(std::int64_t stage);
  void number_groups();

  const scenarios::Scenario& scenario_;
  std::unique_ptr<scenarios::StepModel> step_;
  strategies::Mesh dense_, expert_;
  std::vector<double> slowdown_;  // of each rank
  Has has_;
  std::map<std::tuple<std::int64_t, std::int64_t, std::uint64_t>, Message> messages_;  // by stages
  std::map<std::pair<strategies::GroupKind, strategies::Stream>, std::size_t> columns_;
  std::vector<std::vector<std::int64_t>> groups_;
  std::vector<std::vector<std::size_t>> group_of_;  // per rank and column
};

}  // namespace formats
