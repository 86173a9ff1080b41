// What one layer, the embedding or the head costs a pass at least, by emitting and timing it alone
// on idle links. A pass is the sum of its units: their communication is settled inside them.
// One object a thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "scenarios/scenario.hpp"
#include "strategies/cost_table.hpp"
#include "strategies/schedule.hpp"
#include "strategies/step_context.hpp"
#include "studies/search_prices.hpp"
#include "studies/search_space.hpp"

namespace studies {

inline constexpr std::size_t kPassKinds = 4;  // strategies::PassKind

// Lower bounds, in picoseconds and bytes, of a unit, a piece of the model, or a stage.
struct PassCosts {
  std::array<double, kPassKinds> time{};  // with the communication it waits for
  std::array<double, kPassKinds> busy{};  // compute, and what transfers take from it
  double kept = 0.0;                      // activations from forward to backward
  double forward_peak = 0.0;              // on top of what there is before a forward, at its peak
  double first_backward_peak = 0.0;       // … a backward, while its first (the last) unit runs
  double backward_peak = 0.0;             // … at its peak
  double dense = 0.0, expert = 0.0;       // parameters
  // Activations kept in host memory: all, in how many copies, and those of the last unit.
  double offloaded = 0.0, offloaded_last = 0.0;
  std::int64_t copies = 0;

  PassCosts& operator+=(const PassCosts& next);  // a unit that follows
};

// Times of a program on one rank: quiet links, a host that is never late.
struct ProgramTimes {
  double passes = 0.0;  // until what follows the passes can start
  double busy = 0.0;    // compute of the passes, and what their transfers take from it
};
// Without the reduction of gradients, which only some micro-batches do.
//
// A transfer slows the compute beside it: between two moments at which everything begun has ended,
// at least the compute and each transfer's share of its own time pass (docs/search.md).
ProgramTimes time_program(const strategies::Program& program, const GroupShapes& shapes,
                          QuietPrices& prices, double stretch);

// Everything that units of one core's kind share: the cost table and its owners.
struct UnitTable {
  strategies::Training training;
  strategies::Implementation implementation;  // without what only the end of a step takes
  strategies::Implementation any_pass;        // … and without copies for reductions
  strategies::Plan plan;                      // of one stage and replica
  strategies::Plan replicated;                // the same with as many micro-batches as there are
  std::unique_ptr<strategies::CostTable> costs;
  PassCosts embedding, head, mtp, mtp_head;
  std::vector<PassCosts> before_layer;  // sums over the layers before each, and over all
  std::vector<PassCosts> layer;         // per layer
  double hidden_state = 0.0;            // bytes
  // A number for each kind of unit in `costs`. No other table of one UnitTables has it, also not
  // one that is gone, whose addresses may be in use again.
  std::map<const strategies::UnitCost*, std::int64_t> unit_numbers;
};

// The units of a piece that follow its layers, as strategies::chunks_of_stage has them: visit(unit,
// whether it is a layer).
template <class Visit>
void visit_ends(const UnitTable& table, const strategies::Plan& plan,
                const models::Transformer& transformer, std::size_t piece, const Visit& visit) {
  const std::size_t end = plan.layers_of_chunk.size() - 1;
  const auto wanted = static_cast<std::size_t>(plan.mtp_piece);
  const std::size_t mtp = plan.mtp_piece >= 0 && wanted < end ? wanted : end;
  if (piece == end) visit(table.head, false);
  for (std::int64_t extra = 0; extra < transformer.mtp_layers; ++extra) {
    if (piece == mtp) {
      visit(table.mtp, false);
      visit(table.layer[static_cast<std::size_t>(transformer.layers + extra)], true);
    }
    if (piece == end) visit(table.mtp_head, false);
  }
}

class UnitTables {
 public:
  UnitTables(const SearchSpace& space, QuietPrices& prices);

  // Of the core that `scenario` holds.
  using TablePtr = std::shared_ptr<const UnitTable>;
  TablePtr of(const SearchCore& core, const scenarios::Scenario& scenario);

  double stretch(const scenarios::Scenario& scenario) const;
  // Passes of `chunks` with `plan`, of the last micro-batch, or as far as any other has them, too:
  // without the copies that go with a reduction.
  enum class Of : std::uint8_t { last, any };
  strategies::Program emit(const scenarios::Scenario& scenario, const UnitTable& table,
                           const strategies::Plan& plan, std::vector<strategies::Chunk> chunks,
                           std::vector<strategies::PassSlot> slots, Of of);

 private:
  using Key = std::array<std::int64_t, kMostCoreDimensions + strategies::kGroupKinds + 1>;
  struct Hash {
    std::size_t operator()(const Key& key) const { return hash_of(key); }
  };
  Key key_of(const SearchCore& core, const scenarios::Scenario& scenario,
             const GroupShapes& shapes) const;
  void fill(UnitTable& table, const scenarios::Scenario& scenario, const GroupShapes& shapes);
  PassCosts measure(const UnitTable& table, const scenarios::Scenario& scenario,
                    const strategies::Unit& unit, const GroupShapes& shapes);

  const SearchSpace& space_;
  QuietPrices& prices_;
  std::unordered_map<Key, TablePtr, Hash> tables_;  // looked up only
  std::int64_t units_made_ = 0;
};

}  // namespace studies
