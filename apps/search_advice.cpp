// `search --explain`: the usual rules beside what was found.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/search_output.hpp"
#include "reports/json.hpp"
#include "reports/table.hpp"
#include "reports/text.hpp"

namespace apps {

using nlohmann::ordered_json;

ordered_json advice_json(const SearchAdvice& advice) {
  ordered_json out{{"steps", ordered_json::array()}, {"possible", advice.advice.possible}};
  for (const studies::AdviceStep& step : advice.advice.steps) {
    out["steps"].push_back(
        {{"question", step.question}, {"numbers", step.numbers}, {"answer", step.answer}});
  }
  if (!advice.advice.possible) return out;
  out["result"] = reports::to_json(advice.report);
  out["disagreements"] = ordered_json::array();
  for (const studies::Disagreement& each : advice.disagreements) {
    out["disagreements"].push_back({{"key", each.key},
                                    {"rules", each.advised},
                                    {"search", each.found},
                                    {"effect", each.effect}});
  }
  return out;
}

std::string advice_text(const SearchAdvice& advice, const SearchReports& reports) {
  using reports::Align;
  std::string out = "The usual rules\n";
  reports::Table steps({{"", Align::left}, {"", Align::left}, {"", Align::left}});
  for (const studies::AdviceStep& step : advice.advice.steps) {
    steps.row({step.question, step.numbers, step.answer});
  }
  out += steps.text(2);
  if (!advice.advice.possible) return out + "  They end with no strategy that fits.\n";
  out += fmt::format("  Step time by the rules: {}", reports::time_text(advice.report.step_time));
  if (reports.best.empty()) return out + "\n";
  const scenarios::Report& best = reports.best.front();
  const double ratio = advice.report.step_time.seconds() / best.step_time.seconds();
  out += fmt::format("; the search: {}, {:.2f} times as fast\n", reports::time_text(best.step_time),
                     ratio);
  if (advice.disagreements.empty()) return out + "  The search agrees with the rules.\n";
  out += "\nWhere the search disagrees\n";
  reports::Table table({{"", Align::left},
                        {"rules", Align::left},
                        {"search", Align::left},
                        {"that change", Align::left}});
  for (const studies::Disagreement& each : advice.disagreements) {
    table.row({each.key, each.advised, each.found, each.effect});
  }
  return out + table.text(2);
}

}  // namespace apps
