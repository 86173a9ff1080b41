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
    for (const studies::SearchCore& core : space.cores().list) {
      modes.insert(core.values[static_cast<std::size_t>(at - dimensions.begin())]);
    }
    CHECK(modes == std::set<std::int64_t>{0, 1, 2});
    ++spaces;
  }
  CHECK(spaces > 20);
}
