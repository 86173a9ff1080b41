// Every key of a scenario has a say somewhere, and where it has none it is refused or rests for a
// reason that stands here.
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "effect_tables.hpp"
#include "scenarios/keys.hpp"
#include "scenarios/reader.hpp"
#include "scenarios/report.hpp"

using namespace properties;

namespace {

using scenarios::KeyInfo;
using scenarios::ValueType;

// What a prediction says.
std::string outcome(const scenarios::Scenario& scenario) {
  const scenarios::Report r = scenarios::predict(scenario);
  std::string out = fmt::format("{} {} {} {}", r.step_time.count(), r.tokens_per_s, r.mfu,
                                r.model_tflops_per_gpu);
  const scenarios::Breakdown& b = r.breakdown;
  for (const sim::Time t : {b.compute, b.recompute, b.optimizer, b.exposed_tp, b.exposed_cp,
                            b.exposed_ep, b.exposed_pp, b.exposed_dp, b.bubble, b.other})
    out += fmt::format(" {}", t.count());
  for (const auto& s : r.stages)
    out += fmt::format(" {} {} {}", s.allocated.count(), s.reserved.count(), s.driver.count());
  return out + fmt::format(" {} {}", r.fits, r.device_memory.count());
}

std::vector<std::string> others(const KeyInfo& info, const std::string& value) {
  std::vector<std::string> out;
  switch (info.type) {
    case ValueType::boolean:
      return {value == "true" ? "false" : "true"};
    case ValueType::choice:
      for (const auto c : info.choices) {
        if (c != value) out.emplace_back(c);
      }
      return out;
    case ValueType::integer:
    case ValueType::number:
    case ValueType::quantity: {
      std::size_t end = 0;
      double number = 0.0;
      try {
        number = std::stod(value, &end);
      } catch (...) {
        return {};
      }
      const std::string unit = value.substr(end);
      const bool whole = info.type == ValueType::integer;
      if (number != 0.0) {
        out.push_back(whole ? fmt::format("{}", static_cast<long long>(number * 2))
                            : fmt::format("{}{}", number * 1.5, unit));
        out.push_back(whole ? fmt::format("{}", static_cast<long long>(number / 2))
                            : fmt::format("{}{}", number / 2, unit));
      } else {
        for (const char* n : {"1", "2", "8", "0.5", "100"}) out.push_back(n + unit);
        for (const char* n : {"1 GB/s", "1 ms", "1 GB", "100 TFLOP/s"}) out.push_back(n);
      }
      return out;
    }
    default:
      return {};
  }
}

std::string text_of(std::string_view name) {
  for (const Base& base : kBases) {
    if (name == base.name) return base.text;
  }
  FAIL("no such base");
  return {};
}

scenarios::Scenario read(const std::string& text, std::vector<std::string> set = {}) {
  scenarios::ReadOptions options;
  options.set = std::move(set);
  return scenarios::read_scenario_text(text, "base.yaml", options);
}

enum class Verdict { effect, refused, idle };

Verdict try_setting(const std::string& text, const std::string& before, const std::string& path,
                    const std::string& value) {
  try {
    return outcome(read(text, {path + "=" + value})) != before ? Verdict::effect : Verdict::idle;
  } catch (const scenarios::ScenarioError&) {
    return Verdict::refused;
  }
}

bool may_rest(const Scenario& scenario, const std::string& path, const std::string& value) {
  return std::any_of(std::begin(kRests), std::end(kRests), [&](const Rest& row) {
    return path == row.key && row.rests(scenario, value);
  });
}

}  // namespace

TEST_CASE("each key changes a prediction somewhere, or does elsewhere what stands here") {
  std::set<std::string> seen;
  for (const Base& base : kBases) {
    const Scenario plain = read(base.text);
    const std::string before = outcome(plain);
    std::map<std::string, std::string> values;
    for (const auto& item : plain.resolved) values[item.key] = item.value;
    for (const auto& key : scenarios::scenario_keys()) {
      const std::string path(key.info.path);
      if (!values.contains(path)) continue;
      const bool ours = path.starts_with("training.") || path.starts_with("strategy.");
      for (const std::string& value : others(key.info, values[path])) {
        const Verdict verdict = try_setting(base.text, before, path, value);
        if (verdict == Verdict::effect) seen.insert(path);
        if (verdict != Verdict::idle || !ours) continue;
        INFO(base.name << ": " << path << "=" << value << " instead of " << values[path]);
        CHECK(may_rest(plain, path, value));
      }
    }
  }
  for (const Probe& probe : kProbes) {
    INFO(probe.key);
    const std::string before = outcome(read(text_of(probe.base), probe.beside));
    std::vector<std::string> with = probe.beside;
    with.push_back(std::string(probe.key) + "=" + probe.value);
    CHECK(outcome(read(text_of(probe.base), with)) != before);
    seen.insert(probe.key);
  }
  for (const auto& key : scenarios::scenario_keys()) {
    INFO(key.info.path);
    CHECK(seen.contains(std::string(key.info.path)) !=
          kElsewhere.contains(std::string(key.info.path)));
  }
}
