// What follows the last passes of a stage: the reduction of gradients that is still under way, the
// optimizer, the gathering of parameters. Part of the pipeline bound. One object a thread: it
// remembers what it has emitted.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "studies/search_units.hpp"

namespace studies {

// What a stage holds, and the pass of each chunk that makes its gradients final, in order.
struct StageLayout {
  std::vector<strategies::Chunk> chunks;
  // The same with units that only hold parameters: passes without work, for what stands around it.
  std::vector<strategies::Chunk> hollow;
  std::vector<strategies::PassSlot> last;
  std::uint32_t number = 0;                  // equal for equal hollow chunks and last passes
  std::vector<std::uint32_t> chunk_numbers;  // equal for equal units
};

struct NumbersHash {
  std::size_t operator()(const std::vector<std::int64_t>& numbers) const {
    return hash_of(numbers);
  }
};

// A plan, and what else its communication around the passes depends on.
struct OuterPlan {
  const scenarios::Scenario& scenario;
  const UnitTable& table;
  const strategies::Plan& plan;  // as one stage: without messages
  const GroupShapes& shapes;

  // Equal for plans with equal programs and prices, given equal chunks.
  std::vector<std::int64_t> key(std::uint32_t number) const;
};

class TailBounds {
 public:
  TailBounds(UnitTables& units, QuietPrices& prices) : units_(units), prices_(prices) {}

  struct Step {
    double work = 0.0;
    std::uint32_t first_dependency = 0, last_dependency = 0;
    std::int16_t chunk = -1;  // of a pass; after the passes: -1
    std::uint8_t stream = 0;
    bool compute = false;
  };
  struct Tail {
    std::vector<Step> steps;  // from the first pass
    std::vector<std::uint32_t> dependencies;
  };
  using TailPtr = std::shared_ptr<const Tail>;

  // What follows the last passes of each stage.
  std::vector<TailPtr> of_stages(const OuterPlan& plan, const std::vector<StageLayout>& stages);
  // When the step of a stage ends at the earliest. `starts`: when each of the last passes begins,
  // by chunk; `passes_end`: when the stage's passes are over.
  double end(const Tail& tail, const std::vector<double>& starts, double passes_end);

 private:
  Tail emitted(const OuterPlan& plan, const StageLayout& stage);

  UnitTables& units_;
  QuietPrices& prices_;
  std::unordered_map<std::vector<std::int64_t>, TailPtr, NumbersHash> tails_;  // looked up only
  std::size_t steps_ = 0;                                                      // in all of them
  std::vector<double> finish_;
};

}  // namespace studies
