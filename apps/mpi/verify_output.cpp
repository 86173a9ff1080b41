#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/mpi/verify.hpp"
#include "apps/mpi/verify_numerics.hpp"
#include "reports/json.hpp"
#include "reports/table.hpp"
#include "studies/piecewise_fit.hpp"

namespace apps::mpi {
namespace {

double step_error(const VerifiedPlan& plan) {
  return plan.predicted.seconds / plan.measured.seconds - 1.0;
}

std::string percent(double share) { return fmt::format("{:+.1f} %", 100.0 * share); }
std::string milliseconds(double seconds) { return fmt::format("{:.2f} ms", 1e3 * seconds); }
std::string mebibytes(double bytes) { return fmt::format("{:.1f} MiB", bytes / 1048576.0); }

// Of Student's distribution, two-sided 95 %; from ten degrees on by 1.96 + 2.6 / degrees, which is
// off by less than 0.01.
double student(std::size_t degrees) {
  constexpr std::array kTable{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262};
  if (degrees <= kTable.size()) return kTable[degrees - 1];
  return 1.96 + 2.6 / static_cast<double>(degrees);
}

// What a round says of two strategies has no part in the machine's drift. Their difference is clear
// where the 95 % confidence interval of its mean over the rounds does not hold zero. Negative:
// `a` is faster; 0: not clear.
double clear_difference(const MeasuredStep& a, const MeasuredStep& b) {
  const std::size_t rounds = std::min(a.times.size(), b.times.size());
  if (rounds < 2) return 0.0;
  const double n = static_cast<double>(rounds);
  double sum = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < rounds; ++i) sum += a.times[i] - b.times[i];
  for (std::size_t i = 0; i < rounds; ++i) {
    const double off = a.times[i] - b.times[i] - sum / n;
    squares += off * off;
  }
  const double half_width = student(rounds - 1) * std::sqrt(squares / (n - 1.0) / n);
  return std::abs(sum / n) > half_width ? sum / n : 0.0;
}

// Pairs of strategies that differ clearly, and how many of them the prediction puts in that order.
struct Order {
  int clear = 0, right = 0;
};

Order order_of(const std::vector<VerifiedPlan>& plans) {
  Order order;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    for (std::size_t j = i + 1; j < plans.size(); ++j) {
      const double difference = clear_difference(plans[i].measured, plans[j].measured);
      if (difference == 0.0) continue;
      ++order.clear;
      const bool predicted = plans[i].predicted.seconds < plans[j].predicted.seconds;
      order.right += (difference < 0.0) == predicted ? 1 : 0;
    }
  }
  return order;
}

std::vector<double> errors_of(const std::vector<VerifiedPlan>& plans) {
  std::vector<double> errors;
  for (const VerifiedPlan& plan : plans) errors.push_back(std::abs(step_error(plan)));
  return errors;
}

// Per operator and pass that either has: seconds of a step, mean over ranks.
nlohmann::ordered_json operators_json(const VerifiedPlan& plan) {
  constexpr std::array kPartNames{"forward", "backward_data", "backward_weight", "all"};
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < plan.measured.operators.size(); ++i) {
    const double predicted = plan.predicted.operators[i], measured = plan.measured.operators[i];
    if (predicted <= 0.0 && measured <= 0.0) continue;
    list.push_back({{"operator", kOpNames[i / kParts]},
                    {"pass", kPartNames[i % kParts]},
                    {"predicted_s", predicted},
                    {"measured_s", measured}});
  }
  return list;
}

}  // namespace

bool numerics_agree(const std::vector<VerifiedPlan>& plans) {
  for (const VerifiedPlan& plan : plans) {
    if (plan.loss_error > kLossTolerance || plan.gradient_error > kGradientTolerance) return false;
  }
  return true;
}

std::string verify_table(const std::vector<VerifiedPlan>& plans) {
  const bool timed = !plans.empty() && plans.front().timed;
  std::vector<reports::Column> columns{
      {"strategy", reports::Align::left}, {"loss off by"}, {"gradients off by"}};
  if (timed) {
    for (const char* title :
         {"predicted", "measured", "spread", "error", "memory predicted", "measured", "error"}) {
      columns.push_back({title});
    }
  }
  reports::Table table(columns);
  for (const VerifiedPlan& plan : plans) {
    std::vector<std::string> cells{plan.plan.name, fmt::format("{:.1e}", plan.loss_error),
                                   fmt::format("{:.1e}", plan.gradient_error)};
    if (timed) {
      const MeasuredStep& m = plan.measured;
      for (std::string cell : {milliseconds(plan.predicted.seconds), milliseconds(m.seconds),
                               fmt::format("{:.1f} %", 100.0 * m.spread), percent(step_error(plan)),
                               mebibytes(plan.predicted.bytes), mebibytes(m.bytes),
                               percent(plan.predicted.bytes / m.bytes - 1.0)}) {
        cells.push_back(std::move(cell));
      }
    }
    table.row(std::move(cells));
  }
  std::string text = table.text();
  if (timed) {
    const Order order = order_of(plans);
    text += fmt::format(
        "step time: median error {:.1f} %, worst {:.1f} %; order right in {} of {} "
        "pairs that differ beyond the 95 % confidence interval of their difference\n",
        100.0 * studies::median(errors_of(plans)), 100.0 * studies::quantile(errors_of(plans), 1.0),
        order.right, order.clear);
  }
  return text + fmt::format(
                    "numerics: every strategy agrees with one rank within {:.0e} (loss) and "
                    "{:.0e} (gradients): {}\n",
                    kLossTolerance, kGradientTolerance, numerics_agree(plans) ? "yes" : "NO");
}

std::string verify_json(const std::vector<VerifiedPlan>& plans, const std::string& digest) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const VerifiedPlan& plan : plans) {
    nlohmann::ordered_json item{{"strategy", plan.plan.name},
                                {"loss_error", plan.loss_error},
                                {"gradient_error", plan.gradient_error}};
    if (plan.timed) {
      item["predicted_step_time_s"] = plan.predicted.seconds;
      item["measured_step_time_s"] = plan.measured.seconds;
      item["measured_spread"] = plan.measured.spread;
      item["measured_times_s"] = plan.measured.times;
      item["error"] = step_error(plan);
      item["predicted_bytes"] = plan.predicted.bytes;
      item["measured_bytes"] = plan.measured.bytes;
      item["operators"] = operators_json(plan);
    }
    list.push_back(std::move(item));
  }
  nlohmann::ordered_json out{{"results", std::move(list)}};
  if (!digest.empty()) {
    const Order order = order_of(plans);
    out["prediction_sha256"] = digest;
    out["median_error"] = studies::median(errors_of(plans));
    out["clear_pairs"] = order.clear;
    out["pairs_in_order"] = order.right;
  }
  out["numerics_agree"] = numerics_agree(plans);
  return reports::dump(out);
}

}  // namespace apps::mpi
