#include "studies/search_space.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "scenarios/problems.hpp"
#include "scenarios/reader.hpp"
#include "scenarios/settings.hpp"
#include "strategies/schedule.hpp"

namespace studies {
namespace {

using scenarios::Scenario;

// The plan the search starts from: nothing of the scenario's own strategy, but what a profile says.
Scenario without_strategy(Scenario s) {
  const strategies::Implementation& profile = s.implementation;
  strategies::Plan plan;
  plan.cp_type = profile.cp_type;
  plan.overlap = profile.overlap;
  plan.reshard_after_forward = profile.reshard_after_forward;
  plan.rank_order = profile.rank_order;
  s.plan = plan;
  s.schedule = nullptr;
  s.training.quantized_weights = s.training.quantized_gradients = false;  // keys of `strategy:`
  s.warnings.clear();
  return s;
}

// At the place of a key in `search:`; where there is none, of the search as a whole.
[[noreturn]] void refuse(const Scenario& scenario, const std::string& path,
                         const std::string& message, const std::string& hint,
                         scenarios::ErrorKind kind = scenarios::ErrorKind::invalid_input) {
  throw scenarios::ScenarioError(kind, {diagnostic_at(scenario, path, message, hint)});
}

// Dimensions whose values are places in a list know only what is in it.
void check_names(const Scenario& scenario) {
  if (scenario.training.recompute.mode == strategies::Recompute::sqrt) {
    refuse(scenario, "training.recompute", "search does not work out a square root of layers",
           "write recompute: full, and fix training.recompute.every");
  }
  const bool schedule = strategies::find_schedule(scenario.plan.schedule) == nullptr;
  const auto problems =
      schedule ? scenarios::schedule_problems(scenario, 0) : scenarios::order_problems(scenario);
  if (problems.empty()) return;
  refuse(scenario, problems.front().paths.front(), problems.front().message, problems.front().hint);
}

}  // namespace

scenarios::Diagnostic diagnostic_at(const Scenario& scenario, const std::string& key,
                                    const std::string& message, const std::string& hint) {
  const auto& written = scenario.search.written;
  for (const char* section : {"ranges.", "fixed."}) {
    const auto at = written.find(section + key);
    if (at == written.end()) continue;
    const scenarios::Written& place = at->second;
    return {place.file, place.line, place.column, key, message, hint, place.source_line};
  }
  return {scenario.name, 0, 0, key, message, hint, ""};
}

void require_same_tokens(const SearchSpace& space, const std::string& wanted) {
  for (const SearchDimension& d : space.core_dimensions()) {
    if (d.path != "training.seq_len" && d.path != "training.global_batch") continue;
    refuse(
        space.base(), d.path,
        fmt::format("{} is compared per step, but steps differ in tokens by `{}`", wanted, d.path),
        "fix " + d.path + ", or search by step_time or memory");
  }
}

SearchSpace::SearchSpace(const Scenario& scenario)
    : base_(without_strategy(scenario)),
      core_(core_dimension_table()),
      variant_(variant_dimension_table()) {
  const auto& ranges = scenario.search.ranges;
  for (const auto& [path, text] : scenario.search.fixed) {
    if (ranges.contains(path)) {
      refuse(base_, path, fmt::format("`{}` stands in fixed and in ranges", path),
             "keep one of the two");
    }
    add_given(path, {text});
  }
  for (const auto& [path, texts] : ranges) add_given(path, texts);
  note_offloading();
}

void SearchSpace::note_offloading() {
  bool offloads = base_.plan.offload.any();
  for (const auto* table : {&core_, &variant_}) {
    for (const SearchDimension& d : *table) {
      if (!d.path.starts_with("strategy.offload.")) continue;
      Scenario scratch = base_;
      for (const std::int64_t value : values(d, base_)) {
        set(d, scratch, value);
        most_offloaded_ = std::max(most_offloaded_, scratch.plan.offload.optimizer);
        offloads = offloads || scratch.plan.offload.any();
      }
    }
  }
  if (offloads) host_links_ = scenarios::PredictionCache::HostLinks::kAll;
}

void SearchSpace::add_given(const std::string& path, const std::vector<std::string>& texts) {
  if (texts.size() > kMostValues) {
    refuse(base_, path, fmt::format("{} values are too many", texts.size()),
           fmt::format("at most {}", kMostValues), scenarios::ErrorKind::limit);
  }
  for (auto* table : {&core_, &variant_}) {
    const auto row = std::find_if(table->begin(), table->end(),
                                  [&](const SearchDimension& d) { return d.path == path; });
    if (row == table->end()) continue;
    row->given.clear();
    Scenario scratch = base_;
    for (const std::string& text : texts) {
      scenarios::apply_setting(scratch, path, text);
      check_names(scratch);
      const std::int64_t value = row->get(scratch);
      if (std::find(row->given.begin(), row->given.end(), value) == row->given.end()) {
        row->given.push_back(value);
      }
      if (path.starts_with("strategy.offload.") && value > 0) variants_are_checked_ = true;
    }
    if (path == "strategy.shard_group") variants_are_checked_ = true;
    return;
  }
  if (path == "strategy.schedule_file" || path == "training.recompute.mode") {
    const bool file = path == "strategy.schedule_file";
    refuse(base_, path, file ? "search makes schedules by itself" : "search has a shorter key",
           file ? "leave it out, or fix strategy.schedule" : "write recompute: full");
  }
  if (path == "strategy.pp_layout.stages" || path == "strategy.pp_layout.layout") {
    refuse(base_, path, "search spreads layers over chunks by itself",
           "leave it out, or fix strategy.pp_layout.embedding_as_layer");
  }
  if (path.starts_with("strategy.") && path != "strategy.dp") variants_are_checked_ = true;
  if (texts.size() == 1 && path != "strategy.dp") {
    scenarios::apply_setting(base_, path, texts.front());
    return;
  }
  SearchDimension other{path, nullptr, nullptr, nullptr, [](const Scenario&) { return true; },
                        {},   {}};
  Scenario scratch = base_;
  for (const std::string& text : texts) {
    if (std::find(other.texts.begin(), other.texts.end(), text) != other.texts.end()) continue;
    scenarios::apply_setting(scratch, path, text);  // refused here, not in the middle
    other.given.push_back(static_cast<std::int64_t>(other.texts.size()));
    other.texts.push_back(text);
  }
  // Before the micro-batch, whose values depend on the batch.
  const auto place = std::find_if(core_.begin(), core_.end(), [](const SearchDimension& d) {
    return d.path == "strategy.sequence_parallel";
  });
  const bool first = path == "training.seq_len" || path == "training.global_batch";
  core_.insert(first ? core_.begin() : place, std::move(other));
  if (core_.size() > kMostCoreDimensions) {
    refuse(base_, path, "too many dimensions", "give fewer ranges", scenarios::ErrorKind::limit);
  }
}

void SearchSpace::set(const SearchDimension& dimension, Scenario& scenario,
                      std::int64_t value) const {
  if (dimension.set != nullptr) {
    dimension.set(scenario, value);
  } else if (dimension.path != "strategy.dp") {
    scenarios::apply_setting(scenario, dimension.path,
                             dimension.texts[static_cast<std::size_t>(value)]);
  }
}

std::vector<std::int64_t> SearchSpace::values(const SearchDimension& dimension,
                                              const Scenario& scenario) const {
  const bool free = dimension.given.empty();
  std::vector<std::int64_t> list = free ? dimension.defaults(scenario) : dimension.given;
  if (list.size() > 1 && !dimension.matters(scenario)) list.resize(1);
  return list;
}

void SearchSpace::apply(const SearchCore& core, Scenario& scenario) const {
  scenario.plan.zero = 0;
  for (std::size_t d = 0; d < core_.size(); ++d) set(core_[d], scenario, core.values[d]);
  complete(scenario);
  const strategies::Plan& plan = scenario.plan;
  using scenarios::Ends;
  scenario.plan.layers_of_chunk =
      scenarios::spread_layers(scenarios::layer_count(scenario.model), plan.pp * plan.vpp,
                               plan.embedding_as_layer ? Ends::count_as_layers : Ends::free);
}

std::vector<SearchVariant> SearchSpace::variants(Scenario& scratch,
                                                 std::optional<scenarios::Problem>* refusal) const {
  std::vector<SearchVariant> out;
  const strategies::Plan saved = scratch.plan;
  SearchVariant variant;
  int refused_zero = -1;
  const auto visit = [&](const auto& self, std::size_t dimension) -> void {
    if (dimension == variant_.size()) {
      auto problem = variant_problem(scratch);
      if (!problem) out.push_back(variant);
      if (problem && refusal != nullptr && scratch.plan.zero > refused_zero) {
        refused_zero = scratch.plan.zero;
        *refusal = std::move(problem);
      }
      return;
    }
    for (const std::int64_t value : values(variant_[dimension], scratch)) {
      variant_[dimension].set(scratch, value);
      variant.values[dimension] = value;
      self(self, dimension + 1);
    }
  };
  visit(visit, 0);
  scratch.plan = saved;
  return out;
}

void SearchSpace::apply(const SearchVariant& variant, Scenario& scenario) const {
  for (std::size_t d = 0; d < variant_.size(); ++d) {
    variant_[d].set(scenario, variant.values[d]);
  }
}

std::vector<SearchSpace::Strategy> SearchSpace::less_offloaded(const SearchCore& core,
                                                               const SearchVariant& variant) const {
  std::vector<Strategy> out;
  const auto lower = [&](const SearchDimension& d, std::int64_t value) {
    std::int64_t most = -1;
    if (!d.path.starts_with("strategy.offload.") || d.set == nullptr) return most;
    for (const std::int64_t other : values(d, base_)) {
      if (other < value) most = std::max(most, other);
    }
    return most;
  };
  for (std::size_t d = 0; d < core_.size(); ++d) {
    const std::int64_t less = lower(core_[d], core.values[d]);
    if (less < 0) continue;
    out.push_back({core, variant});
    out.back().core.values[d] = less;
  }
  for (std::size_t d = 0; d < variant_.size(); ++d) {
    const std::int64_t less = lower(variant_[d], variant.values[d]);
    if (less < 0) continue;
    out.push_back({core, variant});
    out.back().variant.values[d] = less;
  }
  return out;
}

std::string SearchSpace::description() const {
  std::string out;
  for (const auto* table : {&core_, &variant_}) {
    for (const SearchDimension& d : *table) {
      out += fmt::format("{}:{};{}\n", d.path, fmt::join(d.given, ","), fmt::join(d.texts, ","));
    }
  }
  return out;
}

std::uint64_t total(const Refusals& refused) {
  std::uint64_t sum = 0;
  for (const auto& [reason, refusal] : refused) sum += refusal.count;
  return sum;
}

std::vector<scenarios::Diagnostic> impossible_fixed(const Scenario& scenario) {
  std::vector<scenarios::Diagnostic> out;
  for (const auto& [key, text] : scenario.search.fixed) {
    Scenario alone = scenario;
    alone.search.ranges.clear();
    alone.search.fixed = {{key, text}};
    const auto problem = SearchSpace(alone).emptiness(key);
    if (!problem) continue;
    out.push_back(diagnostic_at(
        scenario, key, fmt::format("no strategy has {}: {}: {}", key, text, problem->message),
        problem->hint));
  }
  return out;
}

}  // namespace studies
