#include <fmt/format.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "apps/simulation.hpp"
#include "apps/watch.hpp"
#include "reports/file.hpp"
#include "reports/json.hpp"
#include "reports/line_chart.hpp"
#include "reports/table.hpp"
#include "reports/text.hpp"
#include "scenarios/reader.hpp"
#include "studies/sweep.hpp"

namespace apps {
namespace {

using nlohmann::ordered_json;
using studies::SweepAxis;
using studies::SweepPoint;

studies::SweepOptions sweep_options(const SweepOptions& options) {
  studies::SweepOptions out;
  out.scenario = options.scenario;
  out.set = options.set;
  out.allow_plugins = options.allow_plugins;
  out.threads = options.threads;
  if (options.scaling == "strong") out.scaling = studies::Scaling::strong;
  if (options.scaling == "weak") out.scaling = studies::Scaling::weak;
  try {
    for (const std::string& text : options.over) out.axes.push_back(studies::parse_axis(text));
  } catch (const std::invalid_argument& error) {
    throw UsageError(fmt::format("--over {}: {}", options.over[out.axes.size()], error.what()));
  }
  std::set<std::string> keys;
  for (const SweepAxis& axis : out.axes) {
    const std::string key = scenarios::known_key(axis.key, "--over");
    if (!keys.insert(key).second) throw UsageError(fmt::format("--over {} is given twice", key));
  }
  const bool gpus = std::any_of(out.axes.begin(), out.axes.end(),
                                [](const SweepAxis& axis) { return axis.key == "cluster.gpus"; });
  if (!options.scaling.empty() && !gpus) {
    throw UsageError("--scaling needs --over cluster.gpus=a,b,c");
  }
  out.predict = [fidelity = options.fidelity](const scenarios::Scenario& scenario) {
    scenarios::PredictOptions how;
    how.fidelity = fidelity;
    return scenarios::predict(scenario, how);
  };
  return out;
}

double gpus_of(const SweepPoint& point) {
  return static_cast<double>(point.report->scenario.cluster.gpus);
}

class Output {
 public:
  Output(const SweepOptions& options, const studies::SweepOptions& sweep,
         const std::vector<SweepPoint>& points)
      : options_(options), axes_(sweep.axes), points_(points) {}

  // Of the points that are done, in order.
  std::string text(const std::vector<bool>& done) const {
    if (options_.json) return ndjson(done);
    if (options_.csv) return csv(done);
    return table(done);
  }

  std::string chart() const {
    reports::LineChart chart;
    const std::size_t x = x_axis();
    chart.title = fmt::format("{} over {}", options_.scenario, axes_[x].key);
    chart.x_label = axes_[x].key;
    chart.y_label = options_.scaling.empty() ? "tokens/s per GPU" : "tokens/s";
    chart.x = axes_[x].values;
    std::map<std::string, std::size_t> rows;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const std::string label = label_of(points_[i], x);
      const auto [row, is_new] = rows.try_emplace(label, chart.lines.size());
      if (is_new) {
        chart.lines.push_back(
            {label, std::vector<double>(chart.x.size(), std::numeric_limits<double>::quiet_NaN())});
      }
      if (!points_[i].report) continue;
      const auto at = std::find(chart.x.begin(), chart.x.end(), points_[i].values[x]);
      const double per = options_.scaling.empty() ? gpus_of(points_[i]) : 1.0;
      chart.lines[row->second].y[static_cast<std::size_t>(at - chart.x.begin())] =
          points_[i].report->tokens_per_s / per;
    }
    return reports::svg(chart);
  }

 private:
  // Scaling is drawn over the GPUs, everything else over the first key.
  std::size_t x_axis() const {
    for (std::size_t a = 0; a < axes_.size() && !options_.scaling.empty(); ++a) {
      if (axes_[a].key == "cluster.gpus") return a;
    }
    return 0;
  }

  std::string label_of(const SweepPoint& point, std::size_t without) const {
    std::string out;
    for (std::size_t a = 0; a < axes_.size(); ++a) {
      if (a == without) continue;
      out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", axes_[a].key, point.values[a]);
    }
    return out.empty() ? "tokens/s" : out;
  }

  // The first point with a result that differs from this one in the number of GPUs alone.
  const SweepPoint* base_of(const SweepPoint& point) const {
    const std::size_t x = x_axis();
    for (const SweepPoint& other : points_) {
      bool same = other.report.has_value();
      for (std::size_t a = 0; a < axes_.size(); ++a) {
        same = same && (a == x || other.values[a] == point.values[a]);
      }
      if (same) return &other;
    }
    return nullptr;
  }

  // Throughput per GPU against the first point: 1 = perfect scaling.
  double efficiency(const SweepPoint& point) const {
    const SweepPoint* base = base_of(point);
    if (base == nullptr || base->report->tokens_per_s <= 0.0) return 0.0;
    return point.report->tokens_per_s / gpus_of(point) /
           (base->report->tokens_per_s / gpus_of(*base));
  }

  ordered_json row(const SweepPoint& point) const {
    ordered_json out;
    for (std::size_t a = 0; a < axes_.size(); ++a) {
      out["point"][axes_[a].key] = point.values[a];
    }
    if (!point.report) {
      out["error"] = point.error;
      return out;
    }
    if (!options_.scaling.empty()) out["scaling_efficiency"] = efficiency(point);
    out["result"] = reports::to_json(*point.report);
    return out;
  }

  std::string ndjson(const std::vector<bool>& done) const {
    std::string out;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      if (done[i]) {
        out += row(points_[i]).dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
      }
    }
    return out;
  }

  std::string csv(const std::vector<bool>& done) const {
    std::string out;
    for (const SweepAxis& axis : axes_) out += reports::csv_cell(axis.key) + ",";
    out +=
        "fits,step_time_s,tokens_per_s,tokens_per_s_per_gpu,model_tflops_per_gpu,mfu,"
        "bubble_fraction,driver_gib,scaling_efficiency,error\r\n";
    for (std::size_t i = 0; i < points_.size(); ++i) {
      if (!done[i]) continue;
      for (const std::string& value : points_[i].values) out += reports::csv_cell(value) + ",";
      if (!points_[i].report) {
        out += ",,,,,,,,," + reports::csv_cell(points_[i].error) + "\r\n";
        continue;
      }
      const ordered_json json = reports::to_json(*points_[i].report);
      for (const char* key : {"fits", "step_time_s", "tokens_per_s", "tokens_per_s_per_gpu",
                              "model_tflops_per_gpu", "mfu", "bubble_fraction"}) {
        out += json.at(key).dump() + ",";
      }
      out += json.at("memory").at("driver_gib").dump() + ",";
      if (!options_.scaling.empty()) out += ordered_json(efficiency(points_[i])).dump();
      out += ",\r\n";
    }
    return out;
  }

  std::string table(const std::vector<bool>& done) const {
    using reports::Align;
    std::vector<reports::Column> columns;
    for (const SweepAxis& axis : axes_) columns.push_back({axis.key});
    for (const char* title : {"step time", "tokens/s", "tokens/s/GPU", "MFU", "bubble", "memory"}) {
      columns.push_back({title});
    }
    columns.push_back({"fits", Align::left});
    if (!options_.scaling.empty()) columns.push_back({"efficiency"});
    reports::Table table(columns);
    std::string errors;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      if (!done[i]) continue;
      const SweepPoint& point = points_[i];
      if (!point.report) {
        errors += fmt::format("  {}: {}\n", label_of(point, axes_.size()), point.error);
        continue;
      }
      const scenarios::Report& r = *point.report;
      std::vector<std::string> cells = point.values;
      cells.insert(cells.end(),
                   {reports::time_text(r.step_time), reports::si_text(r.tokens_per_s, ""),
                    fmt::format("{:.1f}", r.tokens_per_s / gpus_of(point)),
                    reports::percent_text(r.mfu), reports::percent_text(r.bubble_fraction),
                    reports::gib_text(r.stages[r.worst_stage].driver), r.fits ? "yes" : "no"});
      if (!options_.scaling.empty()) cells.push_back(reports::percent_text(efficiency(point)));
      table.row(cells);
    }
    std::string out = table.text();
    if (!errors.empty()) out += "\nNo strategy\n" + errors;
    return out;
  }

  const SweepOptions& options_;
  const std::vector<SweepAxis>& axes_;
  const std::vector<SweepPoint>& points_;
};

int finish(const SweepOptions& options, const Output& output,
           const std::vector<SweepPoint>& points) {
  print(output.text(std::vector<bool>(points.size(), true)));
  if (!options.plot.empty()) {
    for (const SweepPoint& point : points) {
      if (point.report) check_outputs({{"--plot", options.plot}}, point.report->scenario.files);
    }
    reports::write_file(options.plot, output.chart());
    complain("wrote " + options.plot);
  }
  const bool any = std::any_of(points.begin(), points.end(),
                               [](const SweepPoint& point) { return point.report.has_value(); });
  if (any) return kOk;
  const auto legible = std::find_if(points.begin(), points.end(),
                                    [](const SweepPoint& point) { return point.legible; });
  const SweepPoint& first = legible != points.end() ? *legible : points.front();
  complain("no point of the grid is a possible scenario: " + first.error);
  return first.legible ? kInfeasible : kInvalidInput;
}

}  // namespace

int execute(const SweepOptions& options) {
  limit_memory(options.max_memory);
  const studies::SweepOptions sweep = sweep_options(options);
  // Errors that have nothing to do with the points are said once.
  scenarios::ReadOptions read;
  read.set = options.set;
  read.allow_plugins = options.allow_plugins;
  read.check_strategy = false;
  const scenarios::Scenario base = scenarios::read_scenario(options.scenario, read);
  check_outputs({{"--plot", options.plot}}, base.files);
  std::vector<SweepPoint> points;
  try {
    points = studies::sweep_grid(sweep.axes);
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
  const Output output(options, sweep, points);
  std::mutex mutex;
  std::vector<bool> done(points.size(), false);
  std::size_t count = 0;
  Watch watch({options.time_limit_s,
               [&] {
                 const std::lock_guard lock(mutex);
                 if (count > 0) print(output.text(done));
               },
               false});
  watch.activity("sweeping");
  studies::run_sweep(sweep, points, [&](std::size_t i) {
    const std::lock_guard lock(mutex);
    done[i] = true;
    watch.activity(fmt::format("sweeping: {} of {} points", ++count, points.size()));
  });
  watch.stop();
  return finish(options, output, points);
}

}  // namespace apps
