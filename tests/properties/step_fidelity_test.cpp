// Collectives as every transfer of their schedule, against their prices: both must come to about
// the same time.
#include <catch2/catch.hpp>

#include "compositions.hpp"
#include "scenarios/report.hpp"

namespace {

using properties::Composition;

double seconds(const Composition& composition, const char* fidelity) {
  scenarios::PredictOptions options;
  options.fidelity = fidelity;
  options.verify = true;
  return scenarios::predict(properties::read(composition), options).step_time.seconds();
}

}  // namespace

// Links so slow that almost all of the step is communication, in buffers of 128 MiB and more. The
// price sustains 0.67 of the ports' rate through the switch and 0.70 (trees) to 0.96 (rings) of the
// NICs' (collectives/model_constants.inc), which transfers step by step do not lose; they wait for
// the first piece, at most 3/16 of a pass.
TEST_CASE("step by step, collectives of switches that add take about the time of their price") {
  for (Composition c : {
           Composition{"one node", 8, "{tp: 8, dp: 1}"},
           Composition{"two parts of a node", 8, "{tp: 4, dp: 2}"},
           Composition{"two nodes", 16, "{dp: 16}"},
           Composition{"inside nodes and between them", 32, "{tp: 8, dp: 4}"},
       }) {
    INFO(c.name);
    c.model = "{layers: 2, hidden: 8192, heads: 64, ffn: 28672, vocab: 32000}";
    c.training = "seq_len: 8192, global_batch: 16, micro_batch: 1";
    c.cluster =
        "preset: dgx-h100, intra_node: {bandwidth: 4 GB/s}, inter_node: {bandwidth: 4 Gb/s}";
    const double flow = seconds(c, "flow");
    const double step = seconds(c, "step");
    CHECK(step > 0.63 * flow);
    CHECK(step < flow);
  }
}

TEST_CASE("step by step, waiting for a collective counts as its dimension's time") {
  Composition c{"exposed", 16, "{tp: 8, sequence_parallel: true, dp: 2}"};
  scenarios::PredictOptions options;
  options.fidelity = "step";
  const auto report = scenarios::predict(properties::read(c), options);
  CHECK(report.breakdown.exposed_tp > sim::Time::zero());
  CHECK(report.breakdown.exposed_dp > sim::Time::zero());
  CHECK(report.breakdown.bubble.seconds() < 0.01 * report.breakdown.exposed_tp.seconds());
}
