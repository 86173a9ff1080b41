// Settings that the user wrote and that the other settings leave without a say. A value that a
// profile or a default brings along may rest, so these rows ask who wrote it; what is wrong whoever
// wrote it stands in problems_idle.cpp.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "scenarios/resolve.hpp"

namespace scenarios {
namespace {

using models::Precision;
using strategies::Fp8Recipe;

struct Rest {
  const char* key;
  bool (*rests)(const Scenario& s);
  const char* reason;
  const char* hint;
};

bool host_is_ignored(const Scenario& s) { return !s.implementation.host_limits; }
bool has_no_softmax(const Scenario& s) {
  return s.training.attention == models::AttentionKernel::flash;
}
bool has_no_flash(const Scenario& s) {
  return s.training.attention != models::AttentionKernel::flash;
}
bool does_not_rotate(const Scenario& s) {
  const models::Transformer* model = s.model.transformer();
  return model != nullptr && model->position != models::Position::rope;
}

constexpr std::array kRests{
    Rest{"training.fp8_amax_reduce",
         [](const Scenario& s) {
           return s.training.precision == Precision::fp8 &&
                  s.training.fp8_recipe != Fp8Recipe::delayed;
         },
         "ranks agree on maxima where scales are delayed; this recipe finds them in the tensor",
         "training.fp8_recipe: delayed, or leave it out"},
    // true asks for nothing that the other stages would not do.
    Rest{"strategy.reshard_after_forward",
         [](const Scenario& s) { return s.plan.zero < 3 && !s.plan.reshard_after_forward; },
         "parameters are gathered for a layer's forward with zero: 3 only",
         "strategy.zero: 3, or leave it out"},
    Rest{"strategy.overlap.tp",
         [](const Scenario& s) {
           return s.plan.overlap.tp && s.plan.tp > 1 && !s.plan.sequence_parallel;
         },
         "products run beside gathers and reduce-scatters, which sequence parallelism has",
         "strategy.sequence_parallel: true"},
    Rest{"implementation.bucket", [](const Scenario& s) { return s.implementation.layer_buckets; },
         "each layer is a bucket of its own", "implementation.layer_buckets: false"},
    Rest{"implementation.list_slice",
         [](const Scenario& s) { return s.implementation.listed_tensors == 0; },
         "one flat buffer is gathered, no list of slices", "implementation.listed_tensors: 9"},
    Rest{"implementation.library_version",
         [](const Scenario& s) { return s.implementation.ideal_communication; },
         "ideal communication is no library's", "implementation.ideal_communication: false"},
    Rest{"implementation.gradients_cast_apart",
         [](const Scenario& s) {
           return s.implementation.gradients_cast_apart &&
                  s.implementation.kernels.weight_gradient_accumulation_fused;
         },
         "weight-gradient products add into the sum themselves",
         "implementation.kernels.weight_gradient_accumulation_fused: false"},
    Rest{"implementation.compiles_loss",
         [](const Scenario& s) {
           return s.implementation.kernels.compiles_loss && !s.training.compile;
         },
         "nothing is compiled", "training.compile: true"},
    Rest{"implementation.kernels.launch", &host_is_ignored, "the host never holds the device up",
         "implementation.host_limits: true"},
    Rest{"implementation.backward_launch", &host_is_ignored, "the host never holds the device up",
         "implementation.host_limits: true"},
    Rest{"implementation.collective_launch", &host_is_ignored, "the host never holds the device up",
         "implementation.host_limits: true"},
    Rest{"implementation.launch_blocking", &host_is_ignored, "the host never holds the device up",
         "implementation.host_limits: true"},
    Rest{"implementation.kernels.fused_softmax", &has_no_softmax,
         "flash attention has no softmax of its own", "training.attention: math"},
    Rest{"implementation.kernels.flash_attention_1", &has_no_flash,
         "math attention is not flash attention", "training.attention: flash"},
    Rest{"implementation.kernels.flash_attention_2", &has_no_flash,
         "math attention is not flash attention", "training.attention: flash"},
    Rest{"implementation.kernels.fused_rope", &does_not_rotate, "the model has no rotary embedding",
         "model.position: rope"},
    Rest{"implementation.kernels.complex_rope", &does_not_rotate,
         "the model has no rotary embedding", "model.position: rope"},
};

}  // namespace

bool rests(const Scenario& scenario, std::string_view key) {
  return std::any_of(kRests.begin(), kRests.end(),
                     [&](const Rest& row) { return key == row.key && row.rests(scenario); });
}

void Resolver::idle_settings() {
  for (const Rest& row : kRests) {
    if (!given_by_user(row.key) || !row.rests(out_)) continue;
    diagnostics_.error(locate(row.key), row.key, std::string("has no effect: ") + row.reason,
                       row.hint);
  }
}

}  // namespace scenarios
