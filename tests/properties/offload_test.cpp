// What offloading costs: copies at the rate of their PCIe links, the host's own work, and nothing
// for free.
#include <catch2/catch.hpp>

#include "compositions.hpp"
#include "scenarios/report.hpp"

using namespace properties;

namespace {

constexpr const char* kModel =
    "{layers: 8, hidden: 2048, heads: 16, kv_heads: 16, ffn: 5632, vocab: 32000}";

scenarios::Report run(std::int64_t gpus, const std::string& strategy,
                      const std::string& cluster = "preset: dgx-a100") {
  return scenarios::predict(
      read({"offload", gpus, strategy, kModel,
            fmt::format("seq_len: 2048, global_batch: {}", 8 * gpus), cluster}));
}

}  // namespace

TEST_CASE("offloading saves device memory and never time") {
  const auto plain = run(8, "{zero: 1}");
  for (const char* what : {"optimizer", "parameters", "activations"}) {
    INFO(what);
    const auto report = run(8, fmt::format("{{zero: 1, offload: {{{}: 1}}}}", what));
    CHECK(report.stages[0].allocated < plain.stages[0].allocated);
    CHECK(report.step_time > plain.step_time);
  }
}

TEST_CASE("fp8 parameters that are fetched take no memory between steps") {
  // Blackwell needs one copy of fp8 weights, in place of 16-bit ones: less than they would take.
  const auto parameters = [](const char* share) {
    const auto report = scenarios::predict(
        read({"fp8", 8, fmt::format("{{dp: 8, offload: {{parameters: {}}}}}", share),
              "{layers: 8, hidden: 4096, heads: 32, kv_heads: 8, ffn: 14336, vocab: 32000}",
              "seq_len: 2048, global_batch: 16, micro_batch: 1, precision: fp8", "preset: dgx-b200",
              "nemo"}));
    const auto category = static_cast<std::size_t>(sim::MemoryCategory::parameters);
    return report.stages[0].categories[category].as_double();
  };
  const double all = parameters("0");
  CHECK(parameters("0.5") == Approx(0.5 * all).epsilon(0.01));
  CHECK(parameters("1") < 0.01 * all);
}

TEST_CASE("devices under one PCIe switch share its way to the host") {
  const std::string offload = "{zero: 1, offload: {activations: 1}}";
  const auto alone = run(8, offload, "preset: dgx-a100, intra_node: {gpus_per_pcie_switch: 1}");
  const auto shared = run(8, offload, "preset: dgx-a100, intra_node: {gpus_per_pcie_switch: 4}");
  CHECK(shared.step_time > alone.step_time);
}

TEST_CASE("an offloaded optimizer takes the time its bytes need in the host's memory") {
  const auto step = [](const char* memory) {
    return run(8, "{zero: 1, offload: {optimizer: 1}}",
               fmt::format("preset: dgx-a100, host_memory: {} GB/s", memory))
        .step_time.seconds();
  };
  // All else hides behind it: twice the rate halves it.
  const double slow = step("20");
  const double half = step("40");
  const double quarter = step("80");
  CHECK((slow - half) == Approx(2.0 * (half - quarter)).epsilon(0.02));
  // 30 bytes of each of 1/8 of the parameters, at half of 1/8 of 20 GB/s; less the second half's.
  const double parameters = 8.0 * (4.0 * 2048 * 2048 + 3.0 * 2048 * 5632) + 2.0 * 2048 * 32000;
  CHECK(slow - half == Approx(parameters * 30.0 / 10e9 - parameters * 30.0 / 20e9).epsilon(0.03));
}

TEST_CASE("offloading without a way to the host is refused") {
  const Composition c{"no way",
                      8,
                      "{offload: {optimizer: 1}}",
                      kModel,
                      "seq_len: 2048, global_batch: 8",
                      "preset: dgx-a100, pcie: 0 GB/s"};
  CHECK_THROWS(read(c));
}

TEST_CASE("an optimizer on NVMe takes the time its states need on the drives") {
  const auto step = [](const char* drives) {
    return run(8, "{zero: 1, offload: {optimizer: 1, nvme: true}}",
               fmt::format("preset: dgx-a100, nvme: {} GB/s", drives))
        .step_time.seconds();
  };
  // 12 bytes a parameter read and as many written; all else hides behind it.
  const double parameters = 8.0 * (4.0 * 2048 * 2048 + 3.0 * 2048 * 5632) + 2.0 * 2048 * 32000;
  CHECK(step("4") - step("8") ==
        Approx(parameters * 24.0 / 4e9 - parameters * 24.0 / 8e9).epsilon(0.03));
}

TEST_CASE("activations on slow drives come at the drives' rate, on fast ones at that of PCIe") {
  const auto step = [](const char* where) {
    return run(8, fmt::format("{{zero: 1, offload: {{activations: 1, nvme: {}}}}}", where),
               "preset: dgx-a100, nvme: 4 TB/s")
        .step_time;
  };
  CHECK(step("true") == step("false"));
  CHECK(run(8, "{zero: 1, offload: {activations: 1, nvme: true}}", "preset: dgx-a100, nvme: 4 GB/s")
            .step_time > step("false"));
}
