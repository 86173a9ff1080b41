// The validation as plain text for a terminal.
#include <fmt/format.h>

#include "studies/validate_output.hpp"

namespace studies {

namespace {

constexpr int kNameWidth = 34;

std::string percent(double value) { return fmt::format("{:.1f} %", 100.0 * value); }

std::string heading(const char* title) {
  return fmt::format("{:<{}}{:>8}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>10}{:>10}\n", title, kNameWidth,
                     "records", "median", "mean", "p90", "bias", "rank", "regret", "mem med.",
                     "mem p90");
}

std::string line(const Summary& summary) {
  std::string text = fmt::format("{:<{}}{:>8}", summary.name, kNameWidth, summary.records);
  if (summary.time.count > 0) {
    text += fmt::format("{:>9}{:>9}{:>9}{:>9}", percent(summary.time.median),
                        percent(summary.time.mean), percent(summary.time.p90),
                        fmt::format("{:+.1f} %", 100.0 * summary.time.bias));
  } else {
    text += fmt::format("{:>9}{:>9}{:>9}{:>9}", "-", "-", "-", "-");
  }
  if (summary.ranking.groups > 0) {
    text +=
        fmt::format("{:>9.3f}{:>9}", summary.ranking.correlation, percent(summary.ranking.regret));
  } else {
    text += fmt::format("{:>9}{:>9}", "-", "-");
  }
  if (summary.memory.count > 0) {
    text +=
        fmt::format("{:>10}{:>10}", percent(summary.memory.median), percent(summary.memory.p90));
  } else {
    text += fmt::format("{:>10}{:>10}", "-", "-");
  }
  return text + "\n";
}

std::string lines_with_time(const std::vector<Summary>& summaries) {
  std::string text;
  for (const Summary& summary : summaries) {
    if (summary.time.count > 0) text += line(summary);
  }
  return text;
}

std::string worst_lines(const Summary& summary) {
  std::string text;
  for (const Worst& worst : summary.worst) {
    text += fmt::format("  {:+7.1f} %  {}\n", 100.0 * worst.error, worst.id);
  }
  return text;
}

std::string fit_line(const Summary& total) {
  std::string text =
      fmt::format("Runs that did fit and are predicted to: {} of {}", total.ran_fit, total.ran);
  if (total.failed > 0) {
    text += fmt::format("; that failed and are predicted not to fit: {} of {}",
                        total.failed_do_not_fit, total.failed);
  }
  return text + ".\n";
}

std::string refused_lines(const Validation& validation) {
  std::string text;
  for (std::size_t i = 0; i < validation.records.size(); ++i) {
    const Outcome& outcome = validation.outcomes[i];
    if (outcome.state != State::refused) continue;
    text += fmt::format("  {}: {}\n", validation.records[i].id,
                        outcome.reason.substr(0, outcome.reason.find('\n')));
  }
  return text.empty() ? text : "\nRefused:\n" + text;
}

}  // namespace

std::string validation_text(const Validation& validation) {
  const Summaries summaries = summarise(validation);
  std::string text = heading("family");
  for (const Summary& target : summaries.targets) {
    if (target.records > 0) text += line(target);
  }
  text += "\n" + heading("source");
  for (const Summary& source : summaries.sources) {
    if (source.records > 0) text += line(source);
  }
  const std::string models = lines_with_time(summaries.expert_models);
  if (!models.empty()) text += "\n" + heading("mixture of experts") + models;
  text += "\n" + heading("in total") + line(summaries.total);
  if (summaries.assumed.records > 0) text += line(summaries.assumed);
  text += "\n" + fit_line(summaries.total);
  text += "\nLargest step-time errors by source (predicted over measured):\n";
  for (const Summary& source : summaries.sources) {
    if (!source.worst.empty()) text += source.name + "\n" + worst_lines(source);
  }
  return text + refused_lines(validation);
}

}  // namespace studies
