#include "studies/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "scenarios/reader.hpp"
#include "studies/workers.hpp"

namespace studies {
namespace {

constexpr std::size_t kMostPoints = 100'000;

bool is_swept(const SweepOptions& options, const std::string& key) {
  return std::any_of(options.axes.begin(), options.axes.end(),
                     [&](const SweepAxis& axis) { return axis.key == key; });
}

bool is_set(const SweepOptions& options, const std::string& key) {
  return is_swept(options, key) ||
         std::any_of(options.set.begin(), options.set.end(),
                     [&](const std::string& text) { return text.starts_with(key + "="); });
}

scenarios::Scenario read(const SweepOptions& options, const std::vector<std::string>& more,
                         bool check) {
  scenarios::ReadOptions how;
  how.set = options.set;
  how.set.insert(how.set.end(), more.begin(), more.end());
  how.allow_plugins = options.allow_plugins;
  how.check_strategy = check;
  return scenarios::read_scenario(options.scenario, how);
}

std::vector<std::string> settings_of(const SweepOptions& options,
                                     const std::vector<std::string>& values) {
  std::vector<std::string> out;
  for (std::size_t a = 0; a < values.size(); ++a) {
    out.push_back(options.axes[a].key + "=" + values[a]);
  }
  return out;
}

// Whether each value is one of its key, though no such strategy may exist.
bool is_legible(const SweepOptions& options, const std::vector<std::string>& values) {
  try {
    read(options, settings_of(options, values), false);
    return true;
  } catch (const scenarios::ScenarioError&) {
    return false;
  }
}

// Whether a change of the points changes how many replicas there are.
bool moves_replicas(const SweepOptions& options) {
  constexpr std::array keys{"cluster.gpus", "strategy.tp", "strategy.cp", "strategy.pp"};
  return std::any_of(keys.begin(), keys.end(),
                     [&](const char* key) { return is_swept(options, key); });
}

}  // namespace

SweepAxis parse_axis(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw std::invalid_argument(fmt::format("expected dotted.key=value,value…, got '{}'", text));
  }
  SweepAxis axis{text.substr(0, equals), {}};
  std::string value;
  int depth = 0;
  for (const char c : text.substr(equals + 1) + ",") {
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (c != ',' || depth > 0) {
      value += c;
      continue;
    }
    if (value.empty()) throw std::invalid_argument(fmt::format("'{}' has an empty value", text));
    axis.values.push_back(std::move(value));
    value.clear();
  }
  if (!value.empty()) throw std::invalid_argument(fmt::format("'{}' has an open bracket", text));
  return axis;
}

std::vector<SweepPoint> sweep_grid(const std::vector<SweepAxis>& axes) {
  std::vector<SweepPoint> points(1);
  for (const SweepAxis& axis : axes) {
    if (points.size() * axis.values.size() > kMostPoints) {
      throw std::invalid_argument("the grid has more than 100,000 points");
    }
    std::vector<SweepPoint> finer;
    for (const SweepPoint& point : points) {
      for (const std::string& value : axis.values) {
        finer.push_back(point);
        finer.back().values.push_back(value);
      }
    }
    points = std::move(finer);
  }
  return points;
}

std::vector<std::string> point_settings(const SweepOptions& options,
                                        const std::vector<std::string>& values) {
  std::vector<std::string> out = settings_of(options, values);
  if (!moves_replicas(options)) return out;
  const scenarios::Scenario base = read(options, {}, false);
  const scenarios::Scenario here = read(options, out, false);
  if (!is_set(options, "strategy.dp")) {
    const std::int64_t ranks = here.plan.tp * here.plan.cp * here.plan.pp;
    const std::int64_t dp = std::max<std::int64_t>(1, here.cluster.gpus / ranks);
    out.push_back(fmt::format("strategy.dp={}", dp));
    const bool whole = base.plan.shard_group == base.plan.dp * base.plan.cp;
    if (whole && !is_set(options, "strategy.shard_group")) {
      out.push_back(fmt::format("strategy.shard_group={}", dp * here.plan.cp));
    }
  }
  if (options.scaling == Scaling::weak && !is_set(options, "training.global_batch")) {
    const std::int64_t batch = base.training.global_batch * here.cluster.gpus / base.cluster.gpus;
    out.push_back(fmt::format("training.global_batch={}", std::max<std::int64_t>(1, batch)));
  }
  return out;
}

void run_sweep(const SweepOptions& options, std::vector<SweepPoint>& points,
               const std::function<void(std::size_t index)>& done) {
  parallel_for(points.size(), thread_count(options.threads), [&](std::size_t, std::size_t i) {
    try {
      const auto settings = point_settings(options, points[i].values);
      scenarios::Report report = options.predict(read(options, settings, true));
      points[i].report = std::move(report);
    } catch (const scenarios::ScenarioError& error) {
      const scenarios::Diagnostic& first = error.diagnostics().front();
      points[i].error = (first.path.empty() ? "" : first.path + ": ") + first.message;
      points[i].legible = is_legible(options, points[i].values);
    }
    done(i);
  });
}

}  // namespace studies
