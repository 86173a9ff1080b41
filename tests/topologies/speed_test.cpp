// Budgets with a margin for debug and sanitizer builds on slow, shared machines.
#include <catch2/catch.hpp>
#include <chrono>

#include "specs.hpp"
#include "topologies/analysis.hpp"

using namespace topologies;
using namespace topologies::testing;

namespace {

template <class Work>
double best_seconds(int tries, const Work& work) {
  double best = 1e9;
  for (int i = 0; i < tries; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  return best;
}

}  // namespace

TEST_CASE("24,576 GPUs are built whole and routed through") {
  const sim::Machine machine = build_machine(llama3(24576));
  CHECK(machine.devices.size() == 24576);
  CHECK(route(machine, 0, 24575).size() == 10);
  CHECK(latency(machine, 0, 3071) < latency(machine, 0, 3072));
  CHECK(connected(machine));
}

TEST_CASE("Building 16,384 GPUs takes milliseconds, a route nanoseconds") {
  const ClusterSpec spec = llama3(16384);
  CHECK(best_seconds(5, [&] { (void)build_machine(spec); }) < 0.5);  // 10 ms in a release build
  const sim::Machine machine = build_machine(spec);
  std::vector<sim::LinkId> links;
  std::size_t hops = 0;
  const double seconds = best_seconds(3, [&] {
    for (std::int64_t i = 0; i < 100'000; ++i) {
      machine.route(device(i * 7919 % 16384), device(i * 104729 % 16384), links);
      hops += links.size();
    }
  });
  CHECK(hops > 0);
  CHECK(seconds / 100'000 < 5e-6);  // 0.04 us in a release build
}
