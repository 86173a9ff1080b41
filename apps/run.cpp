#include <fmt/format.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "apps/simulation.hpp"
#include "apps/watch.hpp"
#include "reports/breakdown.hpp"
#include "reports/comparison.hpp"
#include "reports/file.hpp"
#include "reports/html.hpp"
#include "reports/json.hpp"
#include "reports/summary.hpp"
#include "reports/table.hpp"
#include "reports/text.hpp"
#include "reports/trace.hpp"
#include "scenarios/critical_path.hpp"
#include "studies/sensitivity.hpp"

namespace apps {
namespace {

using nlohmann::ordered_json;
using scenarios::Report;

struct Results {
  Report report;
  bool complete = true;
  std::vector<Report> what_if;
  std::vector<studies::Sensitivity> sensitivity;
  scenarios::Breakdown critical_path;  // with sensitivity
};

scenarios::PredictOptions predict_options(const RunOptions& options, const strategies::Plan& plan) {
  scenarios::PredictOptions predict = options.common.predict;
  predict.without_calibration = true;
  for (const std::int64_t rank : predict.trace_ranks) {
    if (rank >= plan.world_size()) {
      throw UsageError(fmt::format("--trace-ranks {}: there are only {} ranks, from 0", rank,
                                   plan.world_size()));
    }
  }
  if (options.trace.empty() && options.report.empty()) {
    predict.trace_ranks.clear();
  } else if (predict.trace_ranks.empty()) {
    predict.trace_ranks = ranks_of_stages(plan);
  }
  return predict;
}

// What is done so far, for a run that is ended early.
class Progress {
 public:
  void set(const Results& results) {
    const std::lock_guard lock(mutex_);
    results_ = results;
    results_->complete = false;
  }
  std::optional<Results> get() const {
    const std::lock_guard lock(mutex_);
    return results_;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<Results> results_;
};

Results simulate(const RunOptions& options, Watch& watch, Progress& progress) {
  const scenarios::Scenario scenario =
      read(options.scenario, options.common.set, {}, options.common.allow_plugins);
  std::vector<scenarios::Scenario> others;  // read first: their errors should not cost a simulation
  for (const std::string& change : options.what_if) {
    others.push_back(
        read(options.scenario, options.common.set, {change}, options.common.allow_plugins));
    others.back().name = change;
  }
  std::vector<std::string> read_files = scenario.files;
  for (const scenarios::Scenario& other : others) {
    read_files.insert(read_files.end(), other.files.begin(), other.files.end());
  }
  check_outputs({{"--trace", options.trace}, {"--report", options.report}}, read_files);
  Results results;
  watch.activity("simulating");
  results.report = scenarios::predict(scenario, predict_options(options, scenario.plan));
  progress.set(results);
  scenarios::PredictOptions plain = options.common.predict;
  plain.trace_ranks.clear();
  for (const scenarios::Scenario& other : others) {
    watch.activity("simulating with " + other.name);
    results.what_if.push_back(scenarios::predict(other, plain));
    progress.set(results);
  }
  if (options.sensitivity) {
    watch.activity("simulating with other hardware figures");
    results.critical_path = scenarios::critical_path(scenario, plain);
    results.sensitivity = studies::sensitivity(scenario, [&](const scenarios::Scenario& changed) {
      return scenarios::predict(changed, plain);
    });
  }
  return results;
}

void write_files(const RunOptions& options, const Results& results, Watch& watch) {
  watch.activity("writing files");
  if (!options.trace.empty()) {
    for (const std::string& file : reports::write_trace(results.report, options.trace)) {
      complain("wrote " + file);
    }
  }
  if (!options.report.empty()) {
    reports::write_file(options.report, reports::html(results.report));
    complain("wrote " + options.report);
  }
}

std::string relative(sim::Time time, sim::Time base) {
  const double share = reports::exact_seconds(time - base) / reports::exact_seconds(base);
  return fmt::format("{:+.2f} %", share * 100.0);
}

std::string table(const Results& results) {
  std::string out =
      reports::summary(results.report, use_colour() ? reports::Colour::on : reports::Colour::off);
  if (!results.what_if.empty()) {
    std::vector<Report> all{results.report};
    all.insert(all.end(), results.what_if.begin(), results.what_if.end());
    out += "\nWhat if\n" + reports::comparison(all, 0);
  }
  if (!results.sensitivity.empty()) {
    reports::Table rows({{"", reports::Align::left}, {"10 % worse"}, {"10 % better"}});
    const sim::Time base = results.report.step_time;
    for (const auto& row : results.sensitivity) {
      const auto cell = [&](sim::Time time, bool fits) {
        return relative(time, base) + (fits == results.report.fits ? ""
                                       : fits                      ? " (fits)"
                                                                   : " (does not fit)");
      };
      rows.row({std::string(row.label), cell(row.worse, row.worse_fits),
                cell(row.better, row.better_fits)});
    }
    out += "\nStep time with a hardware figure changed\n" + rows.text(2);
    reports::Table path({{"", reports::Align::left}, {""}, {""}});
    for (const reports::BreakdownRow& row : reports::kBreakdownRows) {
      const sim::Time part = results.critical_path.*row.part;
      if (part == sim::Time::zero()) continue;
      path.row(
          {std::string(row.label), reports::time_text(part),
           reports::percent_text(reports::exact_seconds(part) / reports::exact_seconds(base))});
    }
    out += "\nCritical path over all ranks\n" + path.text(2);
  }
  return out;
}

ordered_json json(const RunOptions& options, const Results& results) {
  ordered_json out = reports::to_json(results.report);
  if (!results.complete) out["complete"] = false;
  for (std::size_t i = 0; i < results.what_if.size(); ++i) {
    out["what_if"].push_back(
        {{"set", options.what_if[i]}, {"result", reports::to_json(results.what_if[i])}});
  }
  if (!options.sensitivity) return out;
  out["sensitivity"] = ordered_json::array();
  for (const reports::BreakdownRow& row : reports::kBreakdownRows) {
    out["critical_path_s"][row.key] = reports::exact_seconds(results.critical_path.*row.part);
  }
  for (const auto& row : results.sensitivity) {
    out["sensitivity"].push_back({{"figure", row.key},
                                  {"step", studies::kSensitivityStep},
                                  {"worse_step_time_s", reports::exact_seconds(row.worse)},
                                  {"better_step_time_s", reports::exact_seconds(row.better)},
                                  {"worse_fits", row.worse_fits},
                                  {"better_fits", row.better_fits}});
  }
  return out;
}

std::string text(const RunOptions& options, const Results& results) {
  switch (options.common.format) {
    case Format::json:
      return reports::dump(json(options, results));
    case Format::csv: {
      std::vector<Report> all{results.report};
      all.insert(all.end(), results.what_if.begin(), results.what_if.end());
      return reports::csv(all);
    }
    case Format::table:
      break;
  }
  return table(results);
}

}  // namespace

int execute(const RunOptions& options) {
  if (!options.common.predict.trace_ranks.empty() && options.trace.empty() &&
      options.report.empty()) {
    throw UsageError("--trace-ranks needs --trace FILE or --report FILE");
  }
  Progress progress;
  Watch watch({options.common.time_limit_s,
               [&] {
                 if (const auto results = progress.get()) print(text(options, *results));
               },
               false});
  limit_memory(options.common.max_memory);
  const Results results = simulate(options, watch, progress);
  write_files(options, results, watch);
  watch.stop();
  print(text(options, results));
  return fit_code(options.common, results.report.fits);
}

}  // namespace apps
