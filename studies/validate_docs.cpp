// The table of docs/accuracy.md: written, replaced between its markers, and compared.
#include <fmt/format.h>

#include <charconv>
#include <map>
#include <stdexcept>

#include "studies/validate_output.hpp"

namespace studies {

namespace {

constexpr std::string_view kBegin = "<!-- validate:begin -->\n";
constexpr std::string_view kEnd = "<!-- validate:end -->";
constexpr double kRounding = 0.1;  // percentage points; the table shows one decimal

std::string cell(bool known, double value, const char* unit) {
  return known ? fmt::format("{:.1f}{}", value, unit) : std::string("–");
}

std::string statistics_cells(const ErrorStatistics& statistics) {
  const bool known = statistics.count > 0;
  return fmt::format(
      "{} | {} | {} | {} | {}", statistics.count, cell(known, 100.0 * statistics.median, " %"),
      cell(known, 100.0 * statistics.mean, " %"), cell(known, 100.0 * statistics.p90, " %"),
      cell(known, 100.0 * statistics.bias, " %"));
}

std::string row(const std::string& name, const Summary& summary) {
  const bool ranked = summary.ranking.groups > 0;
  return fmt::format("| {} | {} | {} | {} |\n", name, statistics_cells(summary.time),
                     ranked ? fmt::format("{:.3f}", summary.ranking.correlation) : "–",
                     cell(ranked, 100.0 * summary.ranking.regret, " %"));
}

const char* header() {
  return "| | records | median | mean | p90 | bias | rank correlation | regret |\n"
         "|---|---|---|---|---|---|---|---|\n";
}

std::string goal_of(const Target& target) {
  std::string goal;
  const auto add = [&](double value, const char* what, const char* unit) {
    if (value == 0.0) return;
    if (!goal.empty()) goal += ", ";
    goal += fmt::format("{} {:g}{}", what, value, unit);
  };
  add(target.median, "median", " %");
  add(target.mean, "mean", " %");
  add(target.p90, "p90", " %");
  add(target.rank_correlation, "rank", "");
  add(target.regret, "regret", " %");
  return goal.empty() ? goal : " (asked: " + goal + ")";
}

std::string_view between_markers(std::string_view document) {
  const std::size_t begin = document.find(kBegin);
  const std::size_t end = document.find(kEnd);
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) {
    throw std::invalid_argument("the document has no validation table between its markers");
  }
  return document.substr(begin + kBegin.size(), end - begin - kBegin.size());
}

// The numbers of a table row by its first cell: records, median, mean, p90.
using Rows = std::map<std::string, std::vector<double>>;

double leading_number(std::string_view text) {
  double value = 0.0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() ? value : 0.0;
}

Rows rows_of(std::string_view table) {
  Rows rows;
  for (std::size_t start = 0; start < table.size();) {
    const std::size_t end = std::min(table.find('\n', start), table.size());
    std::string_view text = table.substr(start, end - start);
    start = end + 1;
    if (text.substr(0, 2) != "| ") continue;
    std::vector<std::string_view> cells;
    for (text.remove_prefix(2); !text.empty();) {
      const std::size_t bar = std::min(text.find(" | "), text.size());
      cells.push_back(text.substr(0, bar));
      text.remove_prefix(std::min(bar + 3, text.size()));
    }
    if (cells.size() < 5 || leading_number(cells[1]) == 0.0) continue;
    const std::string_view name = cells[0].substr(0, cells[0].find(" (asked"));
    for (std::size_t column = 1; column < 5; ++column) {
      rows[std::string(name)].push_back(leading_number(cells[column]));
    }
  }
  return rows;
}

}  // namespace

std::string accuracy_table(const Validation& validation) {
  const Summaries summaries = summarise(validation);
  std::string table = std::string("Step time, by family:\n\n") + header();
  std::size_t next = 0;
  for (const Target& target : validation.targets) {
    if (target.name == kMemoryTarget) continue;
    const Summary& summary = summaries.targets[next++];
    if (summary.time.count > 0) table += row(target.title + goal_of(target), summary);
  }
  table += row("All used records", summaries.total);
  table += row("Records with assumed parts", summaries.assumed);
  table += std::string("\nStep time, by source:\n\n") + header();
  for (const Summary& source : summaries.sources) {
    if (source.time.count > 0) table += row('`' + source.name + '`', source);
  }
  table += std::string("\nStep time of mixture-of-experts models:\n\n") + header();
  for (const Summary& model : summaries.expert_models) {
    if (model.time.count > 0) table += row(model.name, model);
  }
  table +=
      "\nMemory, of the kind each source prints:\n\n"
      "| | values | median | mean | p90 | bias |\n|---|---|---|---|---|---|\n";
  for (const Summary& source : summaries.sources) {
    if (source.memory.count == 0) continue;
    table += fmt::format("| memory of `{}` | {} |\n", source.name, statistics_cells(source.memory));
  }
  std::string goal;
  for (const Target& target : validation.targets) {
    if (target.name == kMemoryTarget) goal = goal_of(target);
  }
  table +=
      fmt::format("| memory in total{} | {} |\n", goal, statistics_cells(summaries.total.memory));
  table += fmt::format("\nRuns that did fit and are predicted to: {} of {}. ",
                       summaries.total.ran_fit, summaries.total.ran);
  return table + fmt::format("Runs that failed and are predicted not to fit: {} of {}.\n",
                             summaries.total.failed_do_not_fit, summaries.total.failed);
}

std::string replace_table(const std::string& document, const std::string& table) {
  const std::string_view old = between_markers(document);
  const auto begin = static_cast<std::size_t>(old.data() - document.data());
  return document.substr(0, begin) + table + document.substr(begin + old.size());
}

std::vector<std::string> regressions(const std::string& document, const std::string& table) {
  const Rows before = rows_of(between_markers(document));
  const Rows now = rows_of(table);
  if (before.empty()) throw std::invalid_argument("the validation table is empty");
  constexpr const char* kNames[] = {"records", "median", "mean", "p90"};
  std::vector<std::string> worse;
  for (const auto& [name, values] : before) {
    const auto found = now.find(name);
    if (found == now.end()) {
      worse.push_back(fmt::format("{}: no longer in the table", name));
      continue;
    }
    for (std::size_t column = 0; column < values.size(); ++column) {
      const double was = values[column], is = found->second[column];
      if (column == 0 ? is < was : is > was + kRounding + 1e-9) {
        worse.push_back(fmt::format("{}: {} was {:g}, is {:g}", name, kNames[column], was, is));
      }
    }
  }
  return worse;
}

}  // namespace studies
