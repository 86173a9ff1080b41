// The search against brute force over keys that it does not vary by itself: each can stand under
// `ranges`, so each has to be among what bounds and prices are told apart by.
#include <array>
#include <filesystem>
#include <set>

#include "search_brute_force.hpp"

using brute_force::compare;
using brute_force::Problem;

namespace {

struct Row {
  const char* ranges;
  const char* fixed = "pp: 1, tp: 1, cp: 1";
  const char* gpus = "dgx-h100, gpus: 4";
  const char* model = "";
  const char* training = "";
};

constexpr const char* kPipeline = "pp: 2, tp: 1, cp: 1, zero: 0";
constexpr const char* kExperts = ", moe: {experts: 4, top_k: 2, ffn: 512, shared_ffn: 512}";

std::string problem_text(const Row& row) {
  return fmt::format(
      "name: keys\n"
      "model: {{layers: 4, hidden: 512, heads: 8, kv_heads: 8, ffn: 1024, vocab: 8192{}}}\n"
      "cluster: {{preset: {}}}\n"
      "training: {{seq_len: 1024, global_batch: 16{}}}\n"
      "implementation: megatron-core\n"
      "search:\n"
      "  fixed: {{{}, micro_batch: 1, offload.activations: 0, overlap.p2p: true, "
      "overlap.grad_reduce: true, rank_order: tp-cp-ep-dp-pp}}\n"
      "  ranges: {{{}}}\n",
      row.model, row.gpus, row.training, row.fixed, row.ranges);
}

}  // namespace

TEST_CASE("search finds what brute force finds, over keys that change the schedule") {
  for (const Row& row : std::array{
           Row{"max_in_flight: [1, 2, 3, 4, 6], schedule: [memory-bounded], recompute: [none]",
               kPipeline},
           Row{"micro_batch_group: [2, 3, 4, 8], schedule: [interleaved], vpp: [2], "
               "recompute: [none]",
               kPipeline},
           Row{"overlap.ep_passes: [true, false], schedule: [1f1b], recompute: [none]",
               "pp: 2, tp: 1, cp: 1, zero: 0, ep: 2", "dgx-h100, gpus: 4", kExperts},
       }) {
    const std::string text = problem_text(row);
    INFO(text);
    Problem problem(text);
    REQUIRE(problem.all.size() > 2);
    compare(problem);
  }
}

// Rules between ZeRO and what it gathers, reduces and keeps are of variants: the search varies zero
// after these.
TEST_CASE("search finds what brute force finds, over keys that ZeRO has to allow") {
  constexpr const char* plain = "pp: 1, tp: 1, cp: 1";
  constexpr const char* nodes = "dgx-h100, gpus: 16";
  for (const Row& row : std::array{
           Row{"quantized_weights: [true, false], quantized_gradients: [true, false], "
               "recompute: [none]",
               plain, nodes},
           Row{"secondary_shard: [0, 4, 8], gather_group: [0, 8], recompute: [none]", plain, nodes},
           Row{"grad_reduce: [two_hop, step], recompute: [none]", plain, nodes},
           Row{"zero: [0, 3], recompute: [none]", "tp: 2, pp: 1, cp: 1, quantized_weights: true"},
           Row{"recompute: [none, full]", "pp: 1, tp: 1, cp: 1, zero: 3, secondary_shard: 8",
               nodes},
           Row{"offload.nvme: [true, false], offload.optimizer: [0, 1], recompute: [none]", plain,
               "dgx-h100, gpus: 4, nvme: 25 GB/s"},
       }) {
    const std::string text = problem_text(row);
    INFO(text);
    Problem problem(text);
    REQUIRE(problem.all.size() > 2);
    for (const auto& strategy : problem.all) {
      // Of every combination that is listed, the scenario reads without complaint.
      const std::string yaml = scenarios::to_yaml(studies::materialise(problem.space, strategy));
      CHECK_NOTHROW(scenarios::read_scenario_text(yaml, "strategy.yaml"));
    }
    compare(problem);
  }
}

TEST_CASE("a key that has no say makes no second strategy") {
  const auto size = [](const Row& row) { return Problem(problem_text(row)).all.size(); };
  constexpr const char* one = "pp: 1, tp: 1, cp: 1, recompute: none";
  const std::size_t plain = size({"zero: [0, 1]", one});
  CHECK(plain > 0);
  CHECK(size({"zero: [0, 1], cp_type: [ring, allgather, ulysses]", one}) == plain);
  CHECK(size({"zero: [0, 1], cp_balance: [contiguous, head_tail]", one}) == plain);
  CHECK(size({"zero: [0, 1], fp8_recipe: [delayed, tensorwise]", one}) == plain);
  CHECK(size({"zero: [0, 1], recompute.every: [2, 3]", one}) == plain);
  constexpr const char* full = "pp: 1, tp: 1, cp: 1, recompute: full";
  CHECK(size({"zero: [0, 1], deallocate_early: [true, false]", full}) ==
        size({"zero: [0, 1]", full}));
  // Where the first value is refused, the next stands for all.
  CHECK(size({"zero: [0, 1], cp_balance: [contiguous, head_tail]", one, "dgx-h100, gpus: 4",
              ", causal: false"}) == plain);
  constexpr const char* two = "pp: 1, tp: 1, cp: 2, recompute: none";
  CHECK(size({"zero: [0, 1], cp_type: [ring, allgather]", two}) == 2 * size({"zero: [0, 1]", two}));
}

TEST_CASE("combinations that are no strategy are counted by their reason") {
  Problem problem(problem_text({"vpp: [1, 2], zero: [0, 3]",
                                "pp: 2, tp: 1, cp: 1, schedule: 1f1b, recompute: none, "
                                "quantized_weights: true"}));
  const auto& refused = problem.space.cores().refused;
  CHECK(refused.at("strategy.schedule").count == 2);  // of both pp_layouts
  CHECK(refused.size() == 1);
  const auto at = [](const std::string& fixed) {
    return studies::impossible_fixed(
        search_problems::read("name: alone\n"
                              "model: llama3-8b\n"
                              "cluster: {preset: dgx-h100, gpus: 8}\n"
                              "training: {global_batch: 8}\n"
                              "search: {fixed: {" +
                              fixed + "}}\n"));
  };
  CHECK(at("tp: 2, quantized_weights: true, zero: 0").empty());
  REQUIRE(at("cp: 1, tp: 7").size() == 1);
  CHECK(at("cp: 1, tp: 7").front().line == 5);
  CHECK(at("cp: 1, tp: 7").front().column == 29);
  CHECK(at("cp: 1, tp: 7").front().path == "strategy.tp");
  CHECK(at("secondary_shard: 5").size() == 1);
}

// What a scenario says of training must not rule out what the search chooses by itself.
TEST_CASE("each way to recompute is in the space of every shipped transformer") {
  std::size_t spaces = 0;
  for (const auto& file : std::filesystem::directory_iterator(STEPCAST_SOURCE_DIR "/scenarios")) {
    if (file.path().extension() != ".yaml") continue;
    scenarios::ReadOptions options;
    options.check_strategy = false;
    scenarios::Scenario scenario = scenarios::read_scenario(file.path().string(), options);
    if (scenario.model.transformer() == nullptr) continue;
    INFO(file.path());
    // Enough to choose from, in a space that is enumerated fast.
    scenario.search.ranges.clear();
    scenario.search.fixed = {
        {"strategy.cp", "1"}, {"strategy.schedule", "1f1b"}, {"training.micro_batch", "1"}};
    const studies::SearchSpace space(scenario);
    const auto& dimensions = space.core_dimensions();
    const auto at = std::find_if(dimensions.begin(), dimensions.end(),
                                 [](const auto& d) { return d.path == "training.recompute"; });
    REQUIRE(at != dimensions.end());
    std::set<std::int64_t> modes;
    const studies::CoreList cores = space.cores().list;
    for (std::size_t c = 0; c < cores.size(); ++c) {
      const studies::SearchCore core = cores[c];
      modes.insert(core.values[static_cast<std::size_t>(at - dimensions.begin())]);
    }
    CHECK(modes == std::set<std::int64_t>{0, 1, 2});
    ++spaces;
  }
  CHECK(spaces > 20);
}
