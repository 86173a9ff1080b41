// The summaries of a validation: statistics per family, source and in total.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "studies/validate.hpp"

namespace studies {

namespace {

constexpr std::size_t kWorst = 5;
constexpr std::size_t kSmallestGroup = 3;  // two configurations rank right by chance half the time

// A ranking is over used records with a time, by throughput. Repeated measurements of one
// configuration stay in it, but do not make a group of their own.
struct Group {
  std::vector<double> predicted, measured;
  std::set<std::string> configurations;
};

std::string configuration_of(const Record& record) {
  Record nameless = record;
  nameless.id.clear();
  return scenario_text(nameless);
}

Ranking ranking_of(const std::map<std::string, Group>& groups) {
  Ranking ranking;
  std::vector<double> correlations, regrets;
  for (const auto& [name, group] : groups) {
    if (group.configurations.size() < kSmallestGroup) continue;
    correlations.push_back(spearman(group.predicted, group.measured));
    regrets.push_back(regret(group.predicted, group.measured));
  }
  ranking.groups = correlations.size();
  ranking.correlation = percentile(correlations, 0.5);
  ranking.regret = percentile(regrets, 0.5);
  ranking.mean_correlation = mean(correlations);
  ranking.mean_regret = mean(regrets);
  ranking.worst_regret = percentile(regrets, 1.0);
  return ranking;
}

void count_fit(const Record& record, const Outcome& outcome, Summary& summary) {
  if (record.measured.fits) {
    ++summary.ran;
    if (outcome.predicted_fits) ++summary.ran_fit;
  } else {
    ++summary.failed;
    if (!outcome.predicted_fits) ++summary.failed_do_not_fit;
  }
}

void keep_worst(std::vector<Worst>& worst) {
  std::stable_sort(worst.begin(), worst.end(), [](const Worst& a, const Worst& b) {
    return std::abs(a.error) > std::abs(b.error);
  });
  if (worst.size() > kWorst) worst.resize(kWorst);
}

using Filter = std::function<bool(const Record&)>;

Summary summary_of(const Validation& validation, const std::string& name, const Filter& wanted) {
  Summary summary;
  summary.name = name;
  std::vector<double> time, memory;
  std::map<std::string, Group> groups;
  for (std::size_t i = 0; i < validation.records.size(); ++i) {
    const Record& record = validation.records[i];
    const Outcome& outcome = validation.outcomes[i];
    if (!wanted(record)) continue;
    ++summary.records;
    if (outcome.state == State::refused) ++summary.refused;
    if (outcome.state != State::predicted) continue;
    count_fit(record, outcome, summary);
    for (const MemoryComparison& comparison : outcome.memory) memory.push_back(comparison.error());
    if (!outcome.has_time()) continue;
    time.push_back(outcome.error());
    summary.worst.push_back({record.id, outcome.error()});
    Group& group = groups[ranking_group(record)];
    group.predicted.push_back(throughput(record, outcome.predicted_step_s));
    group.measured.push_back(throughput(record, outcome.measured_step_s));
    group.configurations.insert(configuration_of(record));
  }
  summary.time = error_statistics(time);
  summary.memory = error_statistics(memory);
  summary.ranking = ranking_of(groups);
  keep_worst(summary.worst);
  return summary;
}

// One summary for each model of mixture-of-experts records, those with assumed parts apart.
std::vector<Summary> by_expert_model(const Validation& validation) {
  std::set<std::pair<std::string, Use>> models;
  for (const Record& record : validation.records) {
    if (record.record_class == "moe" && record.use != Use::no) {
      models.insert({record.model_name, record.use});
    }
  }
  std::vector<Summary> out;
  for (const auto& [model, use] : models) {
    const std::string name = model + (use == Use::assumed ? ", assumed parts" : "");
    out.push_back(summary_of(validation, name, [&, model = model, use = use](const Record& r) {
      return r.record_class == "moe" && r.model_name == model && r.use == use;
    }));
  }
  return out;
}

}  // namespace

Summaries summarise(const Validation& validation) {
  Summaries summaries;
  for (const Target& target : validation.targets) {
    if (target.name == kMemoryTarget) continue;
    summaries.targets.push_back(summary_of(validation, target.name, [&](const Record& record) {
      return record.use == Use::yes && record.target == target.name;
    }));
  }
  for (const Source& source : validation.sources) {
    summaries.sources.push_back(summary_of(validation, source.name, [&](const Record& record) {
      return record.use == Use::yes && record.source == source.name;
    }));
  }
  summaries.expert_models = by_expert_model(validation);
  summaries.assumed = summary_of(validation, "assumed",
                                 [](const Record& record) { return record.use == Use::assumed; });
  summaries.total =
      summary_of(validation, "total", [](const Record& record) { return record.use == Use::yes; });
  return summaries;
}

}  // namespace studies
