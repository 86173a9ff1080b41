// Limits of the model itself, and what the device and the cluster cannot do.
#include <fmt/core.h>

#include <algorithm>
#include <string>

#include "scenarios/enum_names.hpp"
#include "scenarios/problems.hpp"
#include "scenarios/source.hpp"
#include "topologies/layout.hpp"

namespace scenarios {
namespace {

using Problems = std::vector<Problem>;

// All products of sizes stay below these, so that 64-bit counts of bytes never overflow.
constexpr double kMostParameters = 1e15;
constexpr double kMostElements = 1e15;  // of one layer's activations of one micro-batch

double real(std::int64_t value) { return static_cast<double>(value); }

// From above: attention, feed-forward of every layer with all experts, both embeddings.
double parameters_at_most(const models::Transformer& m) {
  const double head = real(m.head_dim) + (m.mla ? real(m.mla->qk_rope_head_dim) : 0.0);
  const double ranks = m.mla ? real(m.mla->q_lora_rank + m.mla->kv_lora_rank) : 0.0;
  const double attention = 4.0 * (real(m.hidden) + ranks) * (real(m.heads) * head + ranks);
  const double experts =
      m.moe ? real(m.moe->experts) * real(m.moe->ffn) + real(m.moe->shared_ffn) : 0.0;
  const double feed_forward = 3.0 * real(m.hidden) * (real(m.ffn) + experts);
  const double embeddings = 2.0 * real(m.hidden) * (real(m.vocab) + real(m.max_positions));
  return (real(m.layers) + real(m.mtp_layers)) * (attention + feed_forward) + embeddings;
}

void size_problems(const Scenario& s, const models::Transformer& m, Problems& out) {
  const double parameters = parameters_at_most(m);
  if (parameters > kMostParameters) {
    out.push_back({{"model.hidden", "model.layers", "model.ffn"},
                   fmt::format("model too large: about {:.1e} parameters", parameters),
                   fmt::format("at most {:.0e}", kMostParameters)});
  }
  const double tokens = real(s.training.micro_batch) * real(s.training.seq_len);
  const double widest =
      std::max({real(m.hidden), real(m.ffn), real(m.vocab), real(m.heads) * real(m.head_dim)});
  const bool scores_kept = s.training.attention == models::AttentionKernel::math;
  const double scores = scores_kept ? tokens * real(s.training.seq_len) * real(m.heads) : 0.0;
  const double elements = std::max(tokens * widest, scores);
  if (elements > kMostElements) {
    out.push_back(
        {{"training.micro_batch", "training.seq_len"},
         fmt::format("too large: a tensor of one micro-batch has {:.1e} elements", elements),
         "lower micro_batch or seq_len"});
  }
}

void precision_problems(const Scenario& s, Problems& out) {
  const auto rate = [&](models::Precision precision) {
    return s.device.peak[static_cast<std::size_t>(precision)].per_second();
  };
  if (rate(s.training.precision) <= 0.0) {
    std::string known;
    for (const auto& each : EnumNames<models::Precision>::table) {
      if (rate(each.value) <= 0.0) continue;
      known += fmt::format("{}{}", known.empty() ? "" : ", ", each.name);
    }
    out.push_back(
        {{"training.precision", "cluster.device.base"},
         fmt::format("{} does not support {}", s.device.name, enum_name(s.training.precision)),
         fmt::format("it supports {}", known)});
  }
  const models::Precision gradients = s.training.grad_dtype;
  if (gradients == models::Precision::fp8 || gradients == models::Precision::fp4 ||
      gradients == models::Precision::tf32) {
    out.push_back({{"training.grad_dtype"},
                   fmt::format("gradients are not accumulated in {}", enum_name(gradients)),
                   "fp32, bf16 or fp16"});
  }
}

// A rate of 0 is none; one so low that no step ends is a slip of the unit.
void kernel_rate_problem(const std::string& name, sim::Bandwidth rate, Problems& out) {
  constexpr double least = 1e6;
  const double value = rate.bytes_per_second();
  if (value <= 0.0 || value >= least) return;
  out.push_back({{"cluster.device." + name},
                 fmt::format("{} = {} B/s is slower than any device", name, value),
                 "1 MB/s or more, or 0 B/s for what the memory's bandwidth gives"});
}

}  // namespace

std::vector<Problem> model_problems(const Scenario& scenario) {
  Problems out;
  if (const models::Transformer* model = scenario.model.transformer()) {
    size_problems(scenario, *model, out);
  }
  precision_problems(scenario, out);
  return out;
}

namespace {

// REQUIRES: the cluster can be built.
void slow_link_problems(const Scenario& scenario, Problems& out) {
  if (scenario.faults.slow_links.empty()) return;
  const sim::Machine machine = topologies::build_machine(scenario.cluster);
  for (const auto& slow : scenario.faults.slow_links) {
    if (!topologies::find_links(machine, slow.link).empty()) continue;
    std::vector<std::string> names;
    for (const sim::LinkId link : topologies::find_links(machine, "*")) {
      names.push_back(topologies::link_name(machine, link));
    }
    const std::string near = nearest(slow.link, names);
    out.push_back({{"faults.slow_links"},
                   fmt::format("no link is called {}", slow.link),
                   fmt::format("{}links are named from->to, as in {}; * stands for any text",
                               near.empty() ? "" : fmt::format("did you mean {}? ", near),
                               names.empty() ? "gpu0->node0/nvswitch0" : names.front())});
  }
}

}  // namespace

std::vector<Problem> cluster_problems(const Scenario& scenario) {
  Problems out;
  const models::Device& device = scenario.device;
  kernel_rate_problem("gemm_operand_bandwidth", device.gemm_operand_bandwidth, out);
  for (const auto& [name, rate] : models::kNamedRates) {
    kernel_rate_problem(std::string("kernel_rates.") + name, device.kernel_rates.*rate, out);
  }
  for (const std::string& sentence : topologies::problems(scenario.cluster)) {
    out.push_back({{"cluster"}, sentence, ""});
  }
  if (topologies::problems(scenario.cluster).empty()) slow_link_problems(scenario, out);
  return out;
}

}  // namespace scenarios
