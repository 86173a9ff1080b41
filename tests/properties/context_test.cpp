// Context parallelism from scenario to report: what balance is worth, and what hybrids exchange.
#include <catch2/catch.hpp>

#include "compositions.hpp"
#include "scenarios/report.hpp"

using namespace properties;

namespace {

scenarios::Report run(const std::string& strategy, const std::string& training = "") {
  return scenarios::predict(
      read({"context", 16, strategy,
            "{layers: 8, hidden: 2048, heads: 16, kv_heads: 16, ffn: 5632, vocab: 32000}",
            "seq_len: 65536, global_batch: 8" + training, "preset: dgx-h100", "ideal"}));
}

}  // namespace

TEST_CASE("in order, the last rank's attention takes 2 - 1/c times the mean: FLOPs stay") {
  const auto balanced = run("{cp: 8, cp_type: allgather}");
  const auto in_order = run("{cp: 8, cp_type: allgather, cp_balance: contiguous}");
  CHECK(in_order.step_time > balanced.step_time);
  CHECK(in_order.model_tflops_per_gpu * in_order.step_time.seconds() ==
        Approx(balanced.model_tflops_per_gpu * balanced.step_time.seconds()));
}

TEST_CASE("a hybrid of one group of heads is Ulysses, of groups of one a ring") {
  CHECK(run("{cp: 8, cp_type: hybrid, cp_ulysses: 8}").step_time ==
        run("{cp: 8, cp_type: ulysses}").step_time);
  CHECK(run("{cp: 8, cp_type: hybrid, cp_ulysses: 1}").step_time ==
        run("{cp: 8, cp_type: ring}").step_time);
}

TEST_CASE("sqrt recomputation holds less than a checkpoint a layer, and takes the same time") {
  const auto full = run("{cp: 8}", ", recompute: full");
  const auto root = run("{cp: 8}", ", recompute: sqrt");
  const auto third = run("{cp: 8}", ", recompute: {mode: full, every: 3}");
  CHECK(root.step_time == third.step_time);  // eight layers: every third
  CHECK(root.step_time == full.step_time);
  CHECK(root.stages[0].allocated == third.stages[0].allocated);
}
