// Defaults, what follows from other values, overrides and provenance.
#include <catch2/catch.hpp>

#include <numeric>

#include "scenarios/problems.hpp"
#include "support.hpp"

using namespace support;
using scenarios::ReadOptions;
using scenarios::Scenario;
using scenarios::spread_layers;

namespace {

Scenario read(const std::string& text, std::vector<std::string> set = {}) {
  ReadOptions options;
  options.set = std::move(set);
  return scenarios::read_scenario_text(text, "test.yaml", options);
}

using Layers = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("the main scenario reads as it is written") {
  const Scenario s =
      scenarios::read_scenario((source_dir() / "scenarios/llama3-405b-4d.yaml").string());
  CHECK(s.name == "Llama 3.1 405B, 4D parallelism, 16,384 H100");
  REQUIRE(s.model.transformer() != nullptr);
  CHECK(s.model.transformer()->layers == 126);
  CHECK(s.model.transformer()->hidden == 16384);
  CHECK(s.cluster.gpus == 16384);
  CHECK(s.cluster.nic_bandwidth.bytes_per_second() == 50e9);
  CHECK(s.cluster.inter == topologies::InterType::roce);
  CHECK(s.device.architecture == models::Architecture::hopper);
  CHECK(s.plan.world_size() == 16384);
  CHECK(s.plan.layers_of_chunk.size() == 128);
  CHECK(s.plan.layers_of_chunk.front() == 0);
  CHECK(s.plan.layers_of_chunk.back() == 0);
  CHECK(s.plan.layers_of_chunk[1] == 1);
  CHECK(s.implementation.name == "megatron-core");
  CHECK(s.warnings.empty());
}

TEST_CASE("defaults that outside checks rely on") {
  const Scenario s = read(kSmall);
  CHECK(s.plan.etp == 1);
  CHECK(s.plan.ep == 1);
  CHECK(s.plan.dp == 16);
  CHECK(s.plan.shard_group == 16);
  CHECK(s.plan.grad_reduce == strategies::GradReduce::step);
  CHECK(s.plan.schedule == "1f1b");
  CHECK(s.model.transformer()->causal);
  CHECK(s.training.precision == models::Precision::bf16);
  CHECK(s.training.master_weights);
  CHECK(s.training.recompute.mode == strategies::Recompute::none);
  CHECK(s.plan.cp_type == s.implementation.cp_type);
  CHECK(s.plan.rank_order == s.implementation.rank_order);
  CHECK(s.name == "test");
}

TEST_CASE("inline models: sizes follow from each other") {
  const Scenario s = read(
      "model: {layers: 2, hidden: 4096, heads: 32, vocab: 1000}\n"
      "cluster: {preset: dgx-h100, gpus: 8}\ntraining: {seq_len: 128, global_batch: 8}\n");
  CHECK(s.model.transformer()->kv_heads == 32);
  CHECK(s.model.transformer()->head_dim == 128);
  CHECK(s.model.transformer()->ffn == 11008);  // Llama 7B
  const Scenario gpt = read(
      "model: {layers: 2, hidden: 1600, heads: 25, vocab: 1000, gated_mlp: false, position: "
      "learned}"
      "\ncluster: {preset: dgx-h100, gpus: 8}\ntraining: {seq_len: 128, global_batch: 8}\n");
  CHECK(gpt.model.transformer()->ffn == 6400);
  CHECK(gpt.model.transformer()->max_positions == 128);
}

TEST_CASE("devices and replicas follow from each other") {
  CHECK(read(kSmall, {"strategy.tp=4", "strategy.pp=2"}).plan.dp == 2);
  const std::string free = "model: gpt2-xl\ncluster: dgx-a100\ntraining: {global_batch: 96}\n";
  CHECK(read(free, {"strategy.dp=32"}).cluster.gpus == 32);
  CHECK(origin_of(read(free, {"strategy.dp=32"}), "cluster.gpus") ==
        "tp\xC2\xB7"
        "cp\xC2\xB7pp\xC2\xB7"
        "dp");
  CHECK(read(kSmall, {"strategy.cp=2"}).plan.shard_group == 16);
}

TEST_CASE("layers are spread as evenly as possible, first and last chunk lightest") {
  using scenarios::Ends;
  CHECK(spread_layers(12, 4, Ends::free) == Layers{3, 3, 3, 3});
  CHECK(spread_layers(13, 4, Ends::free) == Layers{3, 3, 4, 3});
  CHECK(spread_layers(14, 4, Ends::free) == Layers{3, 4, 4, 3});
  CHECK(spread_layers(15, 4, Ends::free) == Layers{4, 4, 4, 3});
  CHECK(spread_layers(126, 128, Ends::free).front() == 0);
  CHECK(spread_layers(14, 4, Ends::count_as_layers) == Layers{3, 4, 4, 3});
  CHECK(spread_layers(5, 1, Ends::free) == Layers{5});
  CHECK(spread_layers(5, 1, Ends::count_as_layers) == Layers{5});
  for (std::int64_t layers = 1; layers < 40; ++layers) {
    for (std::int64_t chunks = 1; chunks <= layers; ++chunks) {
      for (const Ends ends : {Ends::free, Ends::count_as_layers}) {
        const Layers list = spread_layers(layers, chunks, ends);
        CHECK(std::accumulate(list.begin(), list.end(), std::int64_t{0}) == layers);
        CHECK(*std::min_element(list.begin(), list.end()) >= 0);
        const std::int64_t ends_count = ends == Ends::count_as_layers && chunks > 1 ? 2 : 1;
        CHECK(*std::max_element(list.begin(), list.end()) - list.back() <= ends_count);
      }
    }
  }
}

TEST_CASE("uneven layers come with a warning, a layout without") {
  const Scenario uneven = read(kSmall, {"strategy.pp=8"});
  CHECK(uneven.plan.layers_of_chunk == Layers{1, 1, 1, 2, 2, 2, 2, 1});
  REQUIRE(uneven.warnings.size() == 1);
  CHECK(uneven.warnings[0].position == "--set:1:13");
  CHECK_THAT(uneven.warnings[0].message, Catch::StartsWith("12 layers do not divide over 8"));
  const Scenario stated = read(kSmall, {"strategy.pp=4", "strategy.pp_layout.stages=[2, 4, 4, 2]"});
  CHECK(stated.plan.layers_of_chunk == Layers{2, 4, 4, 2});
  CHECK(stated.warnings.empty());
}

TEST_CASE("more devices than the real cluster has: a warning") {
  const Scenario s = read(
      "model: llama3-8b\ncluster: {preset: llama3-24k-h100, gpus: 32768}\n"
      "training: {global_batch: 32768}\n");
  REQUIRE(s.warnings.size() == 1);
  CHECK(s.warnings[0].message ==
        "llama3-24k-h100 has 24576 devices; 32768 are simulated by extending its fabric");
  CHECK(s.warnings[0].position == "test.yaml:2:42");
}

TEST_CASE("settings: --set overrides in order, through names and aliases") {
  const Scenario s = read(kSmall, {"strategy.tp=2", "strategy.tensor_model_parallel_size=4",
                                   "training={recompute: full}", "name=other"});
  CHECK(s.plan.tp == 4);
  CHECK(s.training.recompute.mode == strategies::Recompute::full);
  CHECK(s.training.seq_len == 1024);
  CHECK(s.name == "other");
  CHECK(origin_of(s, "strategy.tp") == "--set");
  const Scenario part = read(
      "model: llama3-8b\ncluster: dgx-h100\ntraining: {global_batch: 8}\n",
      {"model.layers=4", "cluster.device.memory=96 GiB", "implementation.kernels.launch=3 us"});
  CHECK(part.model.transformer()->layers == 4);
  CHECK(part.model.transformer()->hidden == 4096);
  CHECK(part.device.memory.gib() == 96.0);
  CHECK(part.device.name == "h100-80gb");
  CHECK(part.implementation.kernels.launch == sim::Time::us(3));
  const Scenario other = read(kSmall, {"model=gpt2-xl"});
  CHECK(other.model.transformer()->hidden == 1600);
}

TEST_CASE("settings: --set faults have positions inside the setting") {
  ReadOptions options;
  options.set = {"strategy.tp=x"};
  CHECK_THAT(complaint(kSmall, "test.yaml", options),
             Catch::StartsWith("--set:1:13: error: `strategy.tp`"));
  options.set = {"strategy.overlap={tp: 3}"};
  CHECK_THAT(complaint(kSmall, "test.yaml", options), Catch::StartsWith("--set:1:23: error"));
  options.set = {"strategy.zzz=1"};
  CHECK_THAT(complaint(kSmall, "test.yaml", options),
             Catch::StartsWith("--set:1:1: error: unknown key `strategy.zzz`"));
  for (const char* bad :
       {"strategy.tp", "=3", ".tp=3", "a..b=3", "strategy.tp={", "strategy.tp="}) {
    INFO(bad);
    options.set = {bad};
    CHECK_THAT(complaint(kSmall, "test.yaml", options), Catch::StartsWith("--set:1:"));
  }
}

TEST_CASE("strategies: each entry overrides any key") {
  const TemporaryFolder folder;
  write_text(folder / "many.yaml",
             kSmall +
                 "strategy: {tp: 2}\nstrategies:\n  - {name: baseline}\n"
                 "  - {name: zero3, strategy: {zero: 3, tp: 1}, training: {micro_batch: 2}}\n"
                 "  - {name: bigger, model: gpt2-xl, strategy: {tp: 1}}\n");
  const auto list = scenarios::read_scenarios((folder / "many.yaml").string());
  REQUIRE(list.size() == 3);
  CHECK(list[0].name == "baseline");
  CHECK(list[0].plan.tp == 2);
  CHECK(list[1].plan.zero == 3);
  CHECK(list[1].plan.dp == 16);
  CHECK(list[1].training.micro_batch == 2);
  CHECK(list[2].model.transformer()->hidden == 1600);
  CHECK(scenarios::read_scenario((folder / "many.yaml").string()).plan.tp == 2);
  write_text(folder / "unnamed.yaml", kSmall + "strategies:\n  - {strategy: {tp: 2}}\n");
  CHECK_THROWS_WITH(scenarios::read_scenarios((folder / "unnamed.yaml").string()),
                    Catch::Contains("unnamed.yaml:5:5: error: each entry of `strategies` needs"));
}

TEST_CASE("recompute: word or finer form") {
  using strategies::Recompute;
  CHECK(read(kSmall, {"training.recompute=selective"}).training.recompute.modules ==
        std::vector{models::Module::core_attn});
  const auto finer = read(kSmall, {"training.recompute={modules: [mlp, layernorm]}"});
  CHECK(finer.training.recompute.mode == Recompute::selective);
  CHECK(finer.training.recompute.modules.size() == 2);
  const auto full = read(kSmall, {"training.recompute={layers: 3, every: 2}"});
  CHECK(full.training.recompute.mode == Recompute::full);
  CHECK(full.training.recompute.layers == 3);
  CHECK(value_of(full, "training.recompute") == "full");
}

TEST_CASE("links of inline clusters come from the device") {
  const Scenario s = read(
      "model: llama3-8b\ncluster: {device: h100-80gb, gpus: 32}\n"
      "training: {global_batch: 32}\n");
  CHECK(s.cluster.intra == topologies::IntraType::nvlink_switch);
  CHECK(s.cluster.intra_bandwidth.bytes_per_second() == 450e9);
  CHECK(s.cluster.fabric == topologies::FabricShape::rail_optimised);
  CHECK(s.cluster.nic_bandwidth.bytes_per_second() == 50e9);
  CHECK(origin_of(s, "cluster.intra_node.bandwidth") == "the device");
  const Scenario box = read(
      "model: llama3-8b\ncluster: {device: a100-80gb, gpus: 8,\n"
      "  intra_node: {type: pcie4}, inter_node: {type: ethernet}}\n"
      "training: {global_batch: 8}\n");
  CHECK(box.cluster.intra == topologies::IntraType::pcie);
  CHECK(box.cluster.intra_bandwidth.bytes_per_second() == 31.508e9);
  CHECK(box.cluster.fabric == topologies::FabricShape::fat_tree);
}

TEST_CASE("a torus fits the devices of the job unless its extents are given") {
  const std::string pod =
      "model: gpt2-xl\ntraining: {global_batch: 1024}\ncluster:\n  device: tpu-v4\n";
  const Scenario s = read(pod + "  gpus: 128\n  inter_node: {fabric: torus}\n");
  CHECK(s.cluster.torus == Layers{4, 4, 8});
  CHECK(read(pod + "  gpus: 64\n  inter_node: {fabric: torus}\n").cluster.torus == Layers{4, 4, 4});
  CHECK_THAT(complaint(pod + "  gpus: 64\n  inter_node: {fabric: torus, torus: [8, 4]}\n"),
             Catch::Contains("do not multiply to its 64 devices"));
}

TEST_CASE("offload takes a part or a number of layers") {
  const Scenario s = read(kSmall, {"strategy.offload={optimizer: 0.5, activations: 3}"});
  CHECK(s.plan.offload.optimizer == 0.5);
  CHECK(s.plan.offload.activations == 0.25);
}

TEST_CASE("search keys may leave their section out") {
  const Scenario s = read(kSmall +
                          "search:\n  fixed: {zero: 1, training: {micro_batch: 2}}\n"
                          "  ranges: {tp: [1, 2, 4], recompute: [none, full]}\n"
                          "  max_memory: 70 GiB\n");
  CHECK(s.search.fixed.at("strategy.zero") == "1");
  CHECK(s.search.fixed.at("training.micro_batch") == "2");
  CHECK(s.search.ranges.at("strategy.tp") == std::vector<std::string>{"1", "2", "4"});
  CHECK(s.search.ranges.at("training.recompute") == std::vector<std::string>{"none", "full"});
  CHECK(s.search.max_memory_bytes == 70.0 * 1024 * 1024 * 1024);
}

TEST_CASE("a scenario for search need not have a strategy that works") {
  ReadOptions options;
  options.check_strategy = false;
  const std::string text =
      "model: llama3-70b\ncluster: {preset: dgx-h100, gpus: 1024}\n"
      "training: {seq_len: 8192, global_batch: 512}\n";
  CHECK_FALSE(complaint(text).empty());
  CHECK(scenarios::read_scenario_text(text, "test.yaml", options).cluster.gpus == 1024);
}

TEST_CASE("clusters and models by name") {
  const auto pair = scenarios::read_cluster("dgx-h100");
  CHECK(pair.cluster.gpus_per_node == 8);
  CHECK(pair.device.name == "h100-80gb");
  CHECK(scenarios::read_model("gpt2-xl").transformer()->layers == 48);
  CHECK_THROWS_WITH(scenarios::read_model("gpt2-xll"), Catch::Contains("did you mean gpt2-xl?"));
  CHECK_THROWS_WITH(scenarios::read_cluster("dgx"), Catch::Contains("no cluster named 'dgx'"));
}
