// From programs to the engine's task graph: prices every collective, lets the members of a group
// meet, and matches sends with receives.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "collectives/library.hpp"
#include "sim/simulate.hpp"
#include "sim/task_graph.hpp"
#include "strategies/fleet.hpp"
#include "strategies/program.hpp"

namespace strategies {

// What the ranks communicate over, as the collectives' cost model wants it.
struct Network {
  const sim::Machine* machine = nullptr;
  collectives::Fabric fabric;
  collectives::LibraryProfile library;
  // What an optimizer on the host gets of its memory's rate, per rank; for offloading only.
  sim::Bandwidth host_memory;
  // Of the node's NVMe drives, per rank; for offloading to them only.
  sim::Bandwidth nvme;
  // Part of the multiprocessors that a node-limited exchange occupies; 0 = as the library's own.
  double exchange_sm_share = 0.0;
};

// Where a task comes from: the rank that completed it (the sender, or the last member to arrive).
struct TaskOrigin {
  sim::RankId rank;
  OpIndex op = 0;
};

// Groups of one shape whose collectives have their prices from one source.
struct PricedGroup {
  collectives::Kind kind;
  std::uint32_t members = 0;
  std::uint32_t domains = 0;
  collectives::PriceSource source;
  auto operator<=>(const PricedGroup&) const = default;
};

// Of a step that is lowered only so far.
struct Beginning {
  std::size_t tasks = 0;  // about as many
  // The least time from the start of a compute operation of a stage to the end of the step.
  std::function<sim::Time(std::int64_t stage, OpIndex op)> rest;
};

struct LoweredStep {
  sim::TaskGraph graph;
  std::vector<TaskOrigin> origins;                // per task
  std::vector<std::vector<sim::TaskId>> task_of;  // per simulated rank, per operation
  std::vector<PricedGroup> prices;                // sorted; empty in the step fidelity
  std::map<sim::TaskId, sim::TaskId> began;  // step fidelity: first task of a collective's last
  std::vector<sim::Time> left_out;           // of a beginning (sim::SimulateOptions::left_out)
};

struct LowerOptions {
  sim::Fidelity fidelity = sim::Fidelity::flow;
  bool every_step = false;       // collectives as every transfer of their schedule (expand.hpp)
  double compute_stretch = 1.0;  // on every compute duration (the slowest of many ranks)
  const Beginning* beginning = nullptr;  // none: the whole step
};

// `programs` has one program per pipeline stage. Throws sim::ContractViolation, naming who waits
// for whom, when the programs can never finish.
LoweredStep lower(const std::vector<Program>& programs, const Fleet& fleet, const Network& network,
                  const Implementation& implementation, const LowerOptions& options);

}  // namespace strategies
