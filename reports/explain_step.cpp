// From FLOPs to step time, training days and cost; and the roofline of a layer's operators.
#include <fmt/format.h>

#include <algorithm>

#include "models/cost.hpp"
#include "models/operators.hpp"
#include "reports/explain.hpp"
#include "reports/text.hpp"

namespace reports {
namespace {

constexpr double kSecondsPerDay = 86400.0;

models::Shard shard_of(const scenarios::Scenario& scenario) {
  const strategies::Plan& plan = scenario.plan;
  models::Shard shard;
  shard.micro_batch = scenario.training.micro_batch;
  shard.seq_len = scenario.training.seq_len;
  shard.tp = plan.tp;
  shard.sequence_parallel = plan.sequence_parallel;
  shard.cp = plan.cp;
  shard.ep = plan.ep;
  shard.etp = plan.etp;
  shard.precision = scenario.training.precision;
  shard.attention = scenario.training.attention;
  const models::Transformer* t = scenario.model.transformer();
  shard.attention_share = t != nullptr && t->causal ? 0.5 : 1.0;
  return shard;
}

std::vector<models::Operator> typical_layer(const scenarios::Scenario& scenario) {
  const models::Shard shard = shard_of(scenario);
  const models::KernelProfile& kernels = scenario.implementation.kernels;
  if (const models::Transformer* t = scenario.model.transformer()) {
    return models::layer_operators(*t, models::layer_kind(*t, t->layers - 1), shard, kernels);
  }
  const models::OperatorList* list = scenario.model.operator_list();
  if (list->blocks.empty()) return {};
  return models::block_operators(list->blocks.front(), shard, kernels);
}

}  // namespace

std::vector<RooflineRow> roofline(const scenarios::Scenario& scenario) {
  const models::Precision precision = scenario.training.precision;
  const models::Device& device = scenario.device;
  const double bandwidth = device.memory_bandwidth.bytes_per_second();
  const double peak = device.peak[static_cast<std::size_t>(precision)].per_second();
  std::vector<RooflineRow> rows;
  for (const models::Operator& op : typical_layer(scenario)) {
    const double flops = op.forward.flops.count();
    const double bytes = op.forward.traffic.as_double();
    if (flops <= 0.0 && bytes <= 0.0) continue;
    const double intensity = bytes > 0.0 ? flops / bytes : 0.0;
    const bool compute_bound = bandwidth > 0.0 && intensity > peak / bandwidth;
    rows.push_back({op.name, flops, bytes, intensity, compute_bound,
                    models::cost(op, models::Pass::forward, precision, device,
                                 scenario.implementation.kernels)});
  }
  return rows;
}

ExplainedSection explain_step(const scenarios::Report& report) {
  const scenarios::Scenario& scenario = report.scenario;
  const strategies::Training& training = scenario.training;
  const auto gpus = static_cast<double>(scenario.cluster.gpus);
  const double tokens = static_cast<double>(training.global_batch * training.seq_len);
  const double per_token = models::model_flops_per_token(scenario.model, training.seq_len).causal();
  const double peak =
      scenario.device.peak[static_cast<std::size_t>(training.precision)].per_second();
  const double seconds = exact_seconds(report.step_time);
  ExplainedSection section{"One training step", {}};
  auto& steps = section.steps;
  steps.push_back({"tokens", "global_batch × seq_len",
                   fmt::format("{} × {}", training.global_batch, training.seq_len), tokens,
                   "tokens"});
  steps.push_back({"model FLOPs", "tokens × FLOPs per token",
                   fmt::format("{:.0f} × {:.4g}", tokens, per_token), tokens * per_token, "FLOP"});
  if (peak > 0.0) {
    steps.push_back({"least time", "model FLOPs / (GPUs × peak rate)",
                     fmt::format("{:.4g} / ({:.0f} × {:.4g})", tokens * per_token, gpus, peak),
                     tokens * per_token / (gpus * peak), "s"});
  }
  steps.push_back({"step time", "simulated", "", seconds, "s"});
  steps.push_back({"model FLOP/s per GPU", "model FLOPs / (step time × GPUs)",
                   fmt::format("{:.4g} / ({:.4f} × {:.0f})", tokens * per_token, seconds, gpus),
                   report.model_tflops_per_gpu * 1e12, "FLOP/s"});
  steps.push_back({"MFU", "model FLOP/s per GPU / peak rate",
                   fmt::format("{:.4g} / {:.4g}", report.model_tflops_per_gpu * 1e12, peak),
                   report.mfu, ""});
  return section;
}

ExplainedSection explain_training(const scenarios::Report& report, double tokens) {
  const scenarios::Scenario& scenario = report.scenario;
  const auto gpus = static_cast<double>(scenario.cluster.gpus);
  const double days = tokens / report.tokens_per_s / kSecondsPerDay;
  ExplainedSection section{"Training", {}};
  section.steps.push_back({"days", "tokens / tokens per second / 86,400",
                           fmt::format("{:.4g} / {:.4g} / 86,400", tokens, report.tokens_per_s),
                           days, "days"});
  section.steps.push_back({"GPU hours", "days × 24 × GPUs",
                           fmt::format("{:.2f} × 24 × {:.0f}", days, gpus), days * 24.0 * gpus,
                           "GPU·h"});
  if (scenario.cluster.price_per_gpu_hour_usd > 0.0) {
    const double price = scenario.cluster.price_per_gpu_hour_usd;
    section.steps.push_back({"cost", "GPU hours × price",
                             fmt::format("{:.4g} × {} USD", days * 24.0 * gpus, price),
                             days * 24.0 * gpus * price, "USD"});
  }
  if (scenario.cluster.power_per_gpu_w > 0.0) {
    const double power = scenario.cluster.power_per_gpu_w;
    section.steps.push_back({"energy", "GPU hours × power",
                             fmt::format("{:.4g} × {} W", days * 24.0 * gpus, power),
                             days * 24.0 * gpus * power, "Wh"});
  }
  return section;
}

}  // namespace reports
