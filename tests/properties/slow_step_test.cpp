// The least and the most that keys allow may make a step longer than a time can hold: the program
// says so, and what takes so long.
#include <catch2/catch.hpp>

#include "compositions.hpp"
#include "scenarios/report.hpp"

namespace {

std::string refusal(const properties::Composition& composition) {
  try {
    scenarios::predict(properties::read(composition));
  } catch (const scenarios::ScenarioError& error) {
    CHECK(error.kind() == scenarios::ErrorKind::limit);
    return error.diagnostics().front().to_string();
  }
  return "";
}

properties::Composition large() {
  properties::Composition c{"large", 64, "{tp: 4, dp: 16}"};
  c.model = "{layers: 80, hidden: 8192, heads: 64, ffn: 28672, vocab: 128256}";
  c.training = "seq_len: 8192, global_batch: 1024, micro_batch: 1";
  return c;
}

}  // namespace

TEST_CASE("a step beyond the longest time is refused, with what takes so long") {
  for (const char* slow :
       {"device: {memory_bandwidth: 1 kB/s}", "device: {memory_efficiency: 1e-9}",
        "device: {attention_efficiency: 1e-9}", "device: {sustained_clock: 1e-9}",
        "device: {peak: {bf16: 1 FLOP/s}}"}) {
    properties::Composition c = large();
    c.cluster += std::string(", ") + slow;
    INFO(slow);
    CHECK_THAT(refusal(c), Catch::Contains("more than 106 days") && Catch::Contains("device"));
  }
  for (const char* slow : {"intra_node: {bandwidth: 1 kB/s}", "inter_node: {bandwidth: 1 kB/s}"}) {
    properties::Composition c = large();
    c.cluster += std::string(", ") + slow;
    INFO(slow);
    CHECK_THAT(refusal(c), Catch::Contains("its messages") && Catch::Contains("bandwidth"));
  }
  properties::Composition launches = large();
  launches.implementation = "{base: megatron-core, kernels: {launch: 3600 s}}";
  CHECK_THAT(refusal(launches), Catch::Contains("kernels.launch"));
  properties::Composition products = large();
  products.implementation = "{base: megatron-core, kernels: {gemm_factor: 1e-9}}";
  CHECK_THAT(refusal(products), Catch::Contains("gemm_factor"));
  properties::Composition tokens = large();
  tokens.model = "{layers: 8, hidden: 1024, heads: 8, ffn: 4096, vocab: 32000}";
  tokens.training = "seq_len: 134217728, global_batch: 1024, micro_batch: 1";
  CHECK_THAT(refusal(tokens), Catch::Contains("seq_len"));
}
