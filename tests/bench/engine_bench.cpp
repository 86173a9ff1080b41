// Rows of docs/performance.md. Times are CPU time of one thread.
#include <benchmark/benchmark.h>

#include "inputs.hpp"
#include "sim/radix_heap.hpp"

namespace {

using namespace sim;

enum class Increments { uniform, tied };

// Hold model: a pop and a push at a constant number of pending events.
void queue_hold(benchmark::State& state, Increments increments) {
  RadixHeap<std::uint32_t> heap;
  std::uint64_t seed = 1;
  const auto increment = [&] {
    const std::uint64_t draw = bench::mix(seed);
    return static_cast<std::int64_t>(increments == Increments::tied ? 1'000 * (1 + draw % 4)
                                                                    : draw % 2'000'000);
  };
  for (std::int64_t i = 0; i < state.range(0); ++i)
    heap.push(increment(), static_cast<std::uint32_t>(i));
  for (auto _ : state) {
    const auto item = heap.pop();
    heap.push(item.key + increment(), item.value);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(queue_hold, uniform, Increments::uniform)
    ->Arg(1'000)
    ->Arg(100'000)
    ->Arg(1'000'000);
BENCHMARK_CAPTURE(queue_hold, tied, Increments::tied)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);
BENCHMARK_CAPTURE(queue_hold, small, Increments::tied)->Arg(100);

void build_graph(benchmark::State& state) {
  const auto tasks = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(bench::compute_grid(4'096, tasks));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(build_graph)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

// Simulates and reports tasks/s as items, queue events/s as a counter.
void run_graph(benchmark::State& state, const IdVector<LinkId, Link>& links, const TaskGraph& graph,
               Fidelity fidelity) {
  std::uint64_t events = 0;
  for (auto _ : state) {
    const Timeline timeline = simulate(links, graph, {.fidelity = fidelity});
    events += timeline.events;
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(graph.size()));
  state.counters["events"] =
      benchmark::Counter(static_cast<double>(events), benchmark::Counter::kIsRate);
}

void computes(benchmark::State& state, Fidelity fidelity) {
  const TaskGraph graph = bench::compute_grid(4'096, static_cast<std::size_t>(state.range(0)));
  run_graph(state, {}, graph, fidelity);
}
BENCHMARK_CAPTURE(computes, pull, Fidelity::analytic)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(computes, flow, Fidelity::flow)->Arg(1'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(computes, small, Fidelity::flow)->Arg(10'000)->Unit(benchmark::kMillisecond);

void ring(benchmark::State& state, bench::Starts starts, Fidelity fidelity) {
  const auto n = static_cast<std::size_t>(state.range(0));
  run_graph(state, bench::ring_links(n), bench::ring_all_reduce(n, starts), fidelity);
}
BENCHMARK_CAPTURE(ring, pull, bench::Starts::together, Fidelity::analytic)
    ->Arg(512)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ring, flow, bench::Starts::together, Fidelity::flow)
    ->Arg(64)
    ->Arg(512)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ring, flow_jittered, bench::Starts::jittered, Fidelity::flow)
    ->Arg(512)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ring, small, bench::Starts::jittered, Fidelity::flow)
    ->Arg(16)
    ->Unit(benchmark::kMillisecond);

// A cold solve of all flows; the scan limit chooses the solver.
void fair_share_cold(benchmark::State& state, std::size_t scan_limit) {
  const bench::LeafSpine fabric = bench::leaf_spine(static_cast<std::size_t>(state.range(0)));
  FairShare fair(fabric.links, fabric.classes);
  fair.set_scan_limit(scan_limit);
  for (auto _ : state) {
    for (std::size_t i = 0; i < fabric.classes.size(); ++i) fair.add(FlowClassId{i});
    benchmark::DoNotOptimize(fair.solve());
    for (std::size_t i = 0; i < fabric.classes.size(); ++i) fair.remove(FlowClassId{i});
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK_CAPTURE(fair_share_cold, scan, 1'000'000)->RangeMultiplier(8)->Range(64, 4'096);
BENCHMARK_CAPTURE(fair_share_cold, heap, 0)->RangeMultiplier(8)->Range(64, 32'768);
BENCHMARK_CAPTURE(fair_share_cold, small, 128)->Arg(64);

// One flow leaves and comes back while the others stay.
void fair_share_update(benchmark::State& state) {
  const bench::LeafSpine fabric = bench::leaf_spine(static_cast<std::size_t>(state.range(0)));
  FairShare fair(fabric.links, fabric.classes);
  for (std::size_t i = 0; i < fabric.classes.size(); ++i) fair.add(FlowClassId{i});
  fair.solve();
  std::size_t next = 0;
  for (auto _ : state) {
    fair.remove(FlowClassId{next});
    benchmark::DoNotOptimize(fair.solve());
    fair.add(FlowClassId{next});
    benchmark::DoNotOptimize(fair.solve());
    next = (next + 1) % fabric.classes.size();
  }
  state.SetItemsProcessed(2 * state.iterations());
}
BENCHMARK(fair_share_update)->Arg(64)->Arg(512)->Arg(4'096);

void refine_cluster(benchmark::State& state) {
  const auto graph = bench::cluster_graph(static_cast<std::uint32_t>(state.range(0)));
  std::size_t classes = 0;
  for (auto _ : state) classes = refine(graph.colours, graph.edges).class_size.size();
  state.counters["vertices"] = static_cast<double>(graph.colours.size());
  state.counters["edges"] = static_cast<double>(graph.edges.size());
  state.counters["classes"] = static_cast<double>(classes);
}
BENCHMARK(refine_cluster)->Arg(1'024)->Arg(16'384)->Unit(benchmark::kMillisecond);

void certify_cluster(benchmark::State& state) {
  const auto graph = bench::cluster_graph(static_cast<std::uint32_t>(state.range(0)));
  const Partition partition = refine(graph.colours, graph.edges);
  for (auto _ : state)
    benchmark::DoNotOptimize(is_equitable(partition, graph.colours, graph.edges));
}
BENCHMARK(certify_cluster)->Arg(16'384)->Unit(benchmark::kMillisecond);

}  // namespace
