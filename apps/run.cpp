#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "apps/simulation.hpp"
#include "apps/watch.hpp"
#include "reports/comparison.hpp"
#include "reports/file.hpp"
#include "reports/html.hpp"
#include "reports/json.hpp"
#include "reports/summary.hpp"
#include "reports/table.hpp"
#include "reports/text.hpp"
#include "reports/trace.hpp"
#include "studies/sensitivity.hpp"

namespace apps {
namespace {

using nlohmann::ordered_json;
using scenarios::Report;

struct Results {
  Report report;
  std::vector<Report> what_if;
  std::vector<studies::Sensitivity> sensitivity;
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

Results simulate(const RunOptions& options, Watch& watch) {
  const scenarios::Scenario scenario =
      read(options.scenario, options.common.set, {}, options.common.allow_plugins);
  std::vector<scenarios::Scenario> others;  // read first: their errors should not cost a simulation
  for (const std::string& change : options.what_if) {
    others.push_back(
        read(options.scenario, options.common.set, {change}, options.common.allow_plugins));
    others.back().name = change;
  }
  Results results;
  watch.activity("simulating");
  results.report = scenarios::predict(scenario, predict_options(options, scenario.plan));
  scenarios::PredictOptions plain = options.common.predict;
  plain.trace_ranks.clear();
  for (const scenarios::Scenario& other : others) {
    watch.activity("simulating with " + other.name);
    results.what_if.push_back(scenarios::predict(other, plain));
  }
  if (options.sensitivity) {
    watch.activity("simulating with other hardware figures");
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
      rows.row({std::string(row.label), relative(row.worse, base), relative(row.better, base)});
    }
    out += "\nStep time with a hardware figure changed\n" + rows.text(2);
  }
  return out;
}

ordered_json json(const RunOptions& options, const Results& results) {
  ordered_json out = reports::to_json(results.report);
  for (std::size_t i = 0; i < results.what_if.size(); ++i) {
    out["what_if"].push_back(
        {{"set", options.what_if[i]}, {"result", reports::to_json(results.what_if[i])}});
  }
  if (!options.sensitivity) return out;
  out["sensitivity"] = ordered_json::array();
  for (const auto& row : results.sensitivity) {
    out["sensitivity"].push_back({{"figure", row.key},
                                  {"step", studies::kSensitivityStep},
                                  {"worse_step_time_s", reports::exact_seconds(row.worse)},
                                  {"better_step_time_s", reports::exact_seconds(row.better)}});
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
  Watch watch({options.common.time_limit_s, {}});
  limit_memory(options.common.max_memory);
  const Results results = simulate(options, watch);
  write_files(options, results, watch);
  watch.stop();
  print(text(options, results));
  return fit_code(options.common, results.report.fits);
}

}  // namespace apps
