#include <fmt/format.h>

#include <mutex>
#include <nlohmann/json.hpp>

#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "apps/simulation.hpp"
#include "apps/watch.hpp"
#include "reports/comparison.hpp"
#include "reports/json.hpp"

namespace apps {
namespace {

using scenarios::Report;

std::string text(const CompareOptions& options, const std::vector<Report>& done, bool complete) {
  // A partial result may not have reached the baseline yet.
  const std::size_t baseline = options.baseline < done.size() ? options.baseline : 0;
  switch (options.common.format) {
    case Format::json: {
      auto json = reports::comparison_json(done, baseline);
      if (!complete) json["complete"] = false;
      return reports::dump(json);
    }
    case Format::csv:
      return reports::csv(done);
    case Format::table:
      break;
  }
  return reports::comparison(done, baseline);
}

std::vector<scenarios::Scenario> read_all(const CompareOptions& options) {
  std::vector<scenarios::Scenario> all;
  for (const std::string& file : options.scenarios) {
    auto some = scenarios::read_scenarios(file, {.set = options.common.set,
                                                 .catalogue = {},
                                                 .allow_plugins = options.common.allow_plugins});
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  if (options.baseline >= all.size()) {
    throw UsageError(fmt::format("--baseline {}: there are only {} entries, from 0",
                                 options.baseline, all.size()));
  }
  return all;
}

}  // namespace

int execute(const CompareOptions& options) {
  std::mutex mutex;
  std::vector<Report> done;
  Watch watch({options.common.time_limit_s, [&] {
                 const std::lock_guard lock(mutex);
                 if (!done.empty()) print(text(options, done, false));
               }});
  limit_memory(options.common.max_memory);
  bool fits = true;
  for (const scenarios::Scenario& scenario : read_all(options)) {
    watch.activity("simulating " + scenario.name);
    Report report = scenarios::predict(scenario, options.common.predict);
    fits = fits && report.fits;
    const std::lock_guard lock(mutex);
    done.push_back(std::move(report));
  }
  watch.stop();
  print(text(options, done, true));
  return fit_code(options.common, fits);
}

}  // namespace apps
