// The variant bound on memory: what the passes at the beginning of each stage take, one by one.
//
// Each pass adds to what there is its own peak, as its units have it alone, and leaves behind what
// a forward keeps or takes away what a backward releases; the first backward of a chunk leaves its
// gradients where these are not held all the time, and with ZeRO-3 gathered parameters come and go.
// Whatever is left out here (messages, buffers of reductions) could only add. Of passes side by
// side, whose order in time is the program's, only what is left after both is counted.
#include <algorithm>

#include "scenarios/problems.hpp"
#include "strategies/states.hpp"
#include "studies/search_bounds.hpp"

namespace studies {
namespace {

using scenarios::Scenario;
using strategies::PassKind;
using strategies::PassSlot;

// Slots after every chunk has had its first backward, per chunk.
constexpr std::size_t kMorePasses = 2;

bool releases(PassKind kind) {
  return kind == PassKind::backward || kind == PassKind::backward_weight;
}

// One unit after the other, with what is gathered while it runs.
class Gathering {
 public:
  explicit Gathering(std::size_t ahead) : ahead_(ahead) {}

  void add(const PassCosts& unit, double gathered) {
    units_.push_back(&unit);
    bytes_.push_back(gathered);
  }

  double forward_peak() const {
    double live = 0.0, peak = 0.0;
    for (std::size_t u = 0; u < units_.size(); ++u) {
      double buffers = 0.0;
      for (std::size_t i = u; i <= std::min(u + ahead_, units_.size() - 1); ++i)
        buffers += bytes_[i];
      peak = std::max(peak, live + buffers + units_[u]->forward_peak);
      live += units_[u]->kept;
    }
    return peak;
  }

  double backward_peak() const {
    double live = 0.0, peak = 0.0;
    for (std::size_t u = units_.size(); u-- > 0;) {
      double buffers = 0.0;
      for (std::size_t i = u < ahead_ ? 0 : u - ahead_; i <= u; ++i) buffers += bytes_[i];
      peak = std::max(peak, live + buffers + units_[u]->backward_peak);
      live -= units_[u]->kept;
    }
    return peak;
  }

  double whole() const {
    double sum = 0.0;
    for (const double bytes : bytes_) sum += bytes;
    return sum;
  }

 private:
  std::size_t ahead_;
  std::vector<const PassCosts*> units_;
  std::vector<double> bytes_;
};

}  // namespace

void SearchBounds::add_beginning(StageFacts& stage, const std::vector<PassSlot>& slots) const {
  const std::size_t chunks = stage.chunks.size();
  std::vector<std::size_t> last(chunks, slots.size());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (releases(slots[i].kind)) last[static_cast<std::size_t>(slots[i].chunk)] = i;
  }
  std::vector<bool> seen(chunks, false);
  std::size_t open = chunks;
  std::size_t more = kMorePasses * chunks;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (open == 0 && more-- == 0) break;
    const auto chunk = static_cast<std::size_t>(slots[i].chunk);
    EarlyPass pass;
    pass.chunk = static_cast<std::uint16_t>(chunk);
    pass.kind = slots[i].kind;
    pass.first_backward = releases(pass.kind) && !seen[chunk];
    pass.last_backward = last[chunk] == i;
    pass.beside_next = slots[i].with_next;
    pass.beside_previous = i > 0 && slots[i - 1].with_next;
    if (pass.first_backward) {
      seen[chunk] = true;
      --open;
    }
    stage.beginning.push_back(pass);
  }
}

void SearchBounds::gather_pieces(const Scenario& scenario) {
  Prepared& prepared = prepared_;
  const UnitTable& table = *prepared.table;
  const double element = strategies::parameter_bytes(scenario.training);
  const double of_layers =
      strategies::gathers_in_fp8(scenario.training, scenario.implementation) ? 1.0 : element;
  const auto& counts = scenario.plan.layers_of_chunk;
  const models::Transformer* transformer = scenario.model.transformer();
  for (std::size_t ahead = 0; ahead < 2; ++ahead) {
    std::size_t layer = 0;
    for (std::size_t piece = 0; piece < counts.size(); ++piece) {
      Gathering units(ahead == 0 ? 0
                                 : static_cast<std::size_t>(std::max<std::int64_t>(
                                       0, scenario.implementation.prefetch_layers)));
      const auto add = [&](const PassCosts& unit, double bytes) {
        units.add(unit, (unit.dense + unit.expert) * bytes);
      };
      if (piece == 0 && transformer != nullptr) add(table.embedding, element);
      const auto next = layer + static_cast<std::size_t>(counts[piece]);
      for (; layer < next; ++layer) add(table.layer[layer], of_layers);
      if (transformer != nullptr) {
        visit_ends(table, scenario.plan, *transformer, piece,
                   [&](const PassCosts& unit, bool is_layer) {
                     add(unit, is_layer ? of_layers : element);
                   });
      }
      prepared.gathered[ahead].push_back(
          {units.forward_peak(), units.backward_peak(), units.whole()});
    }
  }
}

double SearchBounds::early_peak(const Prepared& prepared, const strategies::StepContext& context,
                                std::size_t stage) const {
  const strategies::Plan& plan = *context.plan;
  const StageFacts& facts = prepared.facts->stages[stage];
  const bool sharded = plan.zero == 3;
  const bool each = plan.grad_reduce == strategies::GradReduce::micro_batch;
  const bool come_and_go = strategies::gradients_come_and_go(context) && !each;
  const auto& gathered = prepared.gathered[plan.overlap.param_gather ? 1 : 0];
  std::vector<bool> held(facts.chunks.size(), false);  // gathered parameters stay
  double live = 0.0, peak = 0.0;
  for (const EarlyPass& pass : facts.beginning) {
    const auto piece = static_cast<std::size_t>(facts.chunks[pass.chunk].piece);
    const PassCosts& cost = prepared.pieces[piece];
    auto stays = held.begin() + pass.chunk;
    const bool gathers = sharded && !*stays;
    const bool alone = !pass.beside_next && !pass.beside_previous;
    const bool leaves = come_and_go && plan.zero >= 2 && pass.last_backward;
    double here = 0.0;
    if (pass.kind == PassKind::forward) {
      here = gathers ? gathered[piece].forward_peak : cost.forward_peak;
    } else if (pass.kind == PassKind::backward) {
      here = gathers && !leaves ? gathered[piece].backward_peak
             : *stays || leaves ? cost.first_backward_peak
                                : cost.backward_peak;
    }
    if (alone) peak = std::max(peak, live + here);
    if (pass.kind == PassKind::forward) {
      live += cost.kept;
      if (gathers && !plan.reshard_after_forward) {
        live += gathered[piece].whole;
        *stays = true;
      }
    } else if (*stays) {
      live -= gathered[piece].whole;
      *stays = false;
    }
    // Of a split backward the first half may already release what it likes.
    if (pass.kind == PassKind::backward || pass.kind == PassKind::backward_input) live -= cost.kept;
    if (releases(pass.kind)) {
      if (come_and_go && pass.first_backward != pass.last_backward) {
        const double gradients =
            strategies::unsharded_gradients(context, {static_cast<std::int64_t>(cost.dense),
                                                      static_cast<std::int64_t>(cost.expert)})
                .as_double();
        if (pass.first_backward) live += gradients;
        if (pass.last_backward && plan.zero >= 2) live -= gradients;
      }
    }
    if (!pass.beside_next) peak = std::max(peak, live);
  }
  return peak;
}

// Of the variant's dimensions they depend on these alone.
const std::vector<double>& SearchBounds::early_peaks(Prepared& prepared,
                                                     const strategies::StepContext& context) const {
  const strategies::Plan& plan = *context.plan;
  auto& out =
      prepared
          .early_peaks[static_cast<std::size_t>(plan.zero) * 4 +
                       (plan.reshard_after_forward ? 2 : 0) + (plan.overlap.param_gather ? 1 : 0)];
  for (std::size_t s = out.size(); s < prepared.facts->stages.size(); ++s) {
    out.push_back(early_peak(prepared, context, s));
  }
  return out;
}

double SearchBounds::variant_memory(const SearchCore& core, const Scenario& scenario) {
  Prepared& prepared = prepare(core, scenario);
  strategies::Plan plan = scenario.plan;
  if (plan.zero == 0) plan.shard_group = plan.dp * plan.cp;
  if (plan.zero == 3 && prepared.gathered[0].empty()) gather_pieces(scenario);
  const strategies::StepContext context = memory_context(scenario, plan);
  const std::vector<double>& peaks = early_peaks(prepared, context);
  double most = 0.0;
  for (std::size_t s = 0; s < peaks.size(); ++s) {
    most = std::max(most, states(prepared, context, s) + std::max(0.0, peaks[s]));
  }
  return driver(most, plan, scenario);
}

bool SearchBounds::memory_is_sharper(const SearchCore& core, const Scenario& scenario) {
  return prepare(core, scenario).facts->pairs;
}

}  // namespace studies
