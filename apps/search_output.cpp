#include "apps/search_output.hpp"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "apps/search_table.hpp"
#include "reports/json.hpp"
#include "reports/text.hpp"
#include "scenarios/reader.hpp"

namespace apps {
namespace {

using nlohmann::ordered_json;
using scenarios::Report;

// A YAML scalar or list of scalars as JSON.
ordered_json typed(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  if (text.starts_with('"')) {  // quoted as in JSON where a plain scalar would be a number
    const auto quoted = ordered_json::parse(text, nullptr, false);
    if (quoted.is_string()) return quoted;
  }
  if (text.starts_with('[') && text.ends_with(']')) {
    ordered_json list = ordered_json::array();
    text = text.substr(1, text.size() - 2);
    while (!text.empty()) {
      const std::size_t end = std::min(text.find(", "), text.size());
      list.push_back(typed(text.substr(0, end)));
      text.remove_prefix(std::min(end + 2, text.size()));
    }
    return list;
  }
  const char* end = text.data() + text.size();
  std::int64_t whole = 0;
  if (const auto r = std::from_chars(text.data(), end, whole);
      r.ptr == end && r.ec == std::errc()) {
    return whole;
  }
  double number = 0.0;
  if (const auto r = std::from_chars(text.data(), end, number);
      r.ptr == end && r.ec == std::errc()) {
    return number;
  }
  return std::string(text);
}

// The keys of one section as they would stand in a scenario file.
ordered_json section(const scenarios::Scenario& scenario, const std::string& name) {
  ordered_json out = ordered_json::object();
  for (const scenarios::Resolved& item : scenario.resolved) {
    if (!item.key.starts_with(name + ".")) continue;
    std::string path = item.key.substr(name.size());
    for (char& c : path) c = c == '.' ? '/' : c;
    // A key with finer keys beside it (recompute) keeps its own value under `mode`.
    const ordered_json::json_pointer at(path);
    const auto parent = at.parent_pointer();
    if (!parent.empty() && out.contains(parent) && !out[parent].is_object()) {
      out[parent] = ordered_json{{"mode", out[parent]}};
    }
    out[at] = typed(item.value);
  }
  return out;
}

ordered_json run_json(const Report& report, double tokens) {
  const studies::TrainingRun run = run_of(report, tokens);
  ordered_json out{{"tokens", run.tokens},
                   {"steps", run.steps},
                   {"days", run.days},
                   {"gpu_hours", run.gpu_hours}};
  if (run.energy_mwh > 0.0) out["energy_mwh"] = run.energy_mwh;
  if (run.price_usd > 0.0) out["price_usd"] = run.price_usd;
  return out;
}

ordered_json entry(const SearchOptions& options, const Report& report) {
  return {{"gpus", report.scenario.cluster.gpus},
          {"strategy", section(report.scenario, "strategy")},
          {"training", section(report.scenario, "training")},
          {"training_run", run_json(report, options.tokens)},
          {"result", reports::to_json(report)}};
}

std::string n(std::uint64_t value) { return reports::grouped(static_cast<std::int64_t>(value)); }

// "12 by divisibility, 3 by strategy.schedule".
std::string reasons_text(const studies::Refusals& refused) {
  std::string out;
  for (const auto& [reason, refusal] : refused) {
    out += fmt::format("{}{} by {}", out.empty() ? "" : ", ", n(refusal.count), reason);
  }
  return out;
}

std::string counts_text(const studies::SearchCounts& c) {
  const std::string reasons = reasons_text(c.refused);
  return fmt::format(
      "{} strategies: {} evaluated, {} of them fit and simulated, {} shown by bounds not to "
      "matter, {} too large for memory; {} "
      "combinations are no strategy{}\n",
      n(c.candidates), n(c.evaluated), n(c.feasible), n(c.pruned), n(c.rejected_by_memory),
      n(studies::total(c.refused)), reasons.empty() ? "" : " (" + reasons + ")");
}

ordered_json counts_json(const studies::SearchCounts& c) {
  std::uint64_t divisibility = 0;
  ordered_json rules = ordered_json::object();
  for (const auto& [reason, refusal] : c.refused) {
    if (reason == studies::kDivisibility) {
      divisibility = refusal.count;
    } else {
      rules[reason] = {{"count", refusal.count}, {"example", refusal.example}};
    }
  }
  return {{"candidates", c.candidates},
          {"evaluated", c.evaluated},
          {"pruned", c.pruned},
          {"feasible", c.feasible},
          {"rejected",
           {{"memory", c.rejected_by_memory},
            {"divisibility", divisibility},
            {"rules", std::move(rules)}}}};
}

ordered_json list_json(const SearchOptions& options, const std::vector<Report>& reports) {
  ordered_json list = ordered_json::array();
  for (const Report& report : reports) list.push_back(entry(options, report));
  return list;
}

ordered_json by_gpus_json(const SearchOptions& options, const std::vector<CountReports>& counts) {
  ordered_json list = ordered_json::array();
  for (const CountReports& count : counts) {
    ordered_json one{{"gpus", count.gpus}, {"complete", count.result.complete}};
    one.update(counts_json(count.result.counts));
    if (count.best.empty()) {
      one["best_misses_by_gib"] = sim::Bytes{count.result.counts.best_miss_bytes}.gib();
    }
    one["best"] = list_json(options, count.best);
    list.push_back(std::move(one));
  }
  return list;
}

std::vector<std::string> axes_of(const studies::FrontAxes& axes) {
  std::vector<std::string> out{"step_time", "memory"};
  if (axes.gpus) out.emplace_back("gpus");
  if (axes.cost) out.emplace_back("cost");
  return out;
}

// The best of each GPU count, where several were searched.
std::string by_gpus_text(const SearchOptions& options, const std::vector<CountReports>& counts) {
  std::string out;
  for (const CountReports& count : counts) {
    const auto gpus = reports::grouped(count.gpus);
    if (count.best.empty()) {
      out += fmt::format("On {} GPUs: {}\n\n", gpus, nothing_found(count.result.counts));
    } else {
      out += fmt::format("Best by {} on {} GPUs\n{}\n", options.objective, gpus,
                         strategy_table(count.best, options.tokens));
    }
  }
  return out;
}

}  // namespace

std::string nothing_found(const studies::SearchCounts& c) {
  const std::string miss =
      c.rejected_by_memory == 0
          ? ""
          : fmt::format(" (best misses by {:.1f} GiB)", sim::Bytes{c.best_miss_bytes}.gib());
  std::string out =
      fmt::format("no feasible strategy: {} rejected by memory{}", c.rejected_by_memory, miss);
  if (!c.refused.empty()) out += ", " + reasons_text(c.refused);
  for (const auto& [reason, refusal] : c.refused) {
    if (c.candidates == 0) out += fmt::format("\n  {}, for example: {}", reason, refusal.example);
  }
  return out;
}

ordered_json search_json(const SearchOptions& options, const studies::SearchResult& result,
                         const SearchReports& reports) {
  ordered_json out{
      {"schema_version", 1}, {"objective", options.objective}, {"complete", result.complete}};
  out.update(counts_json(result.counts));
  if (result.best.empty()) {
    out["best_misses_by_gib"] = sim::Bytes{result.counts.best_miss_bytes}.gib();
  }
  out["best"] = list_json(options, reports.best);
  if (reports.counts.size() > 1) out["by_gpus"] = by_gpus_json(options, reports.counts);
  out["pareto"] = list_json(options, reports.pareto);
  out["pareto_axes"] = axes_of(reports.axes);
  out["pareto_exact"] = result.pareto_exact;
  if (options.front_within) out["pareto_within_percent"] = *options.front_within;
  if (reports.advice) out["rules"] = advice_json(*reports.advice);
  if (!reports.best.empty()) {
    out["scenario"] = scenarios::to_yaml(reports.best.front().scenario);
  }
  return out;
}

std::string search_table(const SearchOptions& options, const studies::SearchResult& result,
                         const SearchReports& reports) {
  std::string out = counts_text(result.counts) + "\n";
  if (!result.complete) out += "Not complete: of the strategies simulated so far\n\n";
  out += fmt::format("Best by {}\n{}\n", options.objective,
                     strategy_table(reports.best, options.tokens));
  if (reports.counts.size() > 1) out += by_gpus_text(options, reports.counts);
  if (!reports.pareto.empty()) {
    out += fmt::format("Step time against memory{}{}{}{}\n{}\n", reports.axes.gpus ? ", GPUs" : "",
                       reports.axes.cost ? ", cost" : "",
                       options.front_within ? fmt::format(", at most {} % slower than the best",
                                                          *options.front_within)
                                            : "",
                       result.pareto_exact ? "" : " (of the strategies simulated)",
                       strategy_table(reports.pareto, options.tokens));
  }
  if (reports.advice) out += advice_text(*reports.advice, reports) + "\n";
  if (reports.best.empty()) return out;
  const auto& best = reports.best.front();
  const studies::TrainingRun run = run_of(best, options.tokens);
  out += fmt::format("Training on {} with the first: {:.1f} days, {} GPU-hours",
                     reports::si_text(run.tokens, "tokens"), run.days,
                     reports::grouped(static_cast<std::int64_t>(run.gpu_hours)));
  if (run.energy_mwh > 0.0) out += fmt::format(", {:.0f} MWh", run.energy_mwh);
  if (run.price_usd > 0.0) {
    out += fmt::format(", {} USD", reports::grouped(static_cast<std::int64_t>(run.price_usd)));
  }
  out += fmt::format("\n\n# The first as a scenario file\n{}", scenarios::to_yaml(best.scenario));
  return out;
}

}  // namespace apps
