// The search against brute force: a plain loop over every strategy, without bounds.
#include <cstdlib>

#include "search_brute_force.hpp"

using namespace studies;
using brute_force::compare;
using brute_force::Problem;
using search_problems::random_problem;

namespace {

constexpr std::size_t kLargest = 900;  // of a random problem

void compare_random(std::uint64_t first_seed, int problems) {
  int compared = 0;
  for (std::uint64_t seed = first_seed; compared < problems; ++seed) {
    Problem problem(random_problem(seed));
    if (problem.all.size() < 2 || problem.all.size() > kLargest) continue;
    INFO(random_problem(seed));
    compare(problem);
    ++compared;
  }
}

}  // namespace

TEST_CASE("search finds what brute force finds, on random problems") { compare_random(1, 24); }

TEST_CASE("an evaluation does not depend on what was evaluated before") {
  Problem problem(
      "name: mixed\n"
      "model: {layers: 4, hidden: 512, heads: 8, kv_heads: 8, ffn: 1024, vocab: 8192}\n"
      "cluster: {preset: dgx-a100, gpus: 4}\n"
      "training: {seq_len: 512, global_batch: 16}\n"
      "search:\n"
      "  fixed: {cp: 1, tp: 1, micro_batch: 1, recompute: none, overlap.p2p: true}\n"
      "  ranges: {pp: [2], zero: [0, 1]}\n");
  REQUIRE(problem.all.size() > 50);
  for (const CandidateStrategy& strategy : problem.all) {
    scenarios::PredictionCache fresh(problem.space.base());
    CHECK(evaluate(problem.space, {strategy}, fresh) ==
          evaluate(problem.space, {strategy}, problem.cache));
  }
}

TEST_CASE("search finds what brute force finds, where weights are cast to fp8 once a step") {
  Problem problem(
      "name: few tokens, large matrices\n"
      "model: {layers: 4, hidden: 4096, heads: 32, kv_heads: 32, ffn: 16384, vocab: 8192}\n"
      "cluster: {preset: dgx-h100, gpus: 4}\n"
      "training: {seq_len: 256, global_batch: 32, precision: fp8}\n"
      "implementation: megatron-core\n"
      "search:\n"
      "  fixed: {cp: 1, tp: 1, micro_batch: 1, overlap.p2p: true, sequence_parallel: false}\n"
      "  ranges: {recompute: [none, full], zero: [0, 1, 3]}\n");
  REQUIRE(problem.all.size() > 20);
  compare(problem);
}

TEST_CASE("search finds what brute force finds, where parameters are gathered in two hops or one") {
  Problem problem(
      "name: two hops\n"
      "model: {layers: 4, hidden: 1024, heads: 8, kv_heads: 8, ffn: 4096, vocab: 8192}\n"
      "cluster: {preset: dgx-a100, gpus: 16}\n"
      "training: {seq_len: 512, global_batch: 16}\n"
      "implementation: fsdp\n"
      "search:\n"
      "  fixed: {cp: 1, tp: 1, pp: 1, zero: 3, shard_group: 16, offload.activations: 0}\n"
      "  ranges: {gather_group: [0, 8, 4]}\n");
  REQUIRE(problem.all.size() > 20);
  compare(problem);
}

TEST_CASE("search finds what brute force finds, on many random problems", "[.long]") {
  const char* first = std::getenv("STEPCAST_FIRST_SEED");
  const char* count = std::getenv("STEPCAST_PROBLEMS");
  compare_random(first ? std::strtoull(first, nullptr, 10) : 1000, count ? std::atoi(count) : 150);
}

TEST_CASE("search finds what brute force finds, in a space of thousands") {
  Problem problem(
      "name: thousands\n"
      "model: {layers: 4, hidden: 1024, heads: 8, kv_heads: 8, ffn: 4096, vocab: 32000}\n"
      "cluster: {preset: dgx-a100, gpus: 8}\n"
      "training: {seq_len: 1024, global_batch: 16}\n"
      "search:\n"
      "  fixed: {cp: 1, micro_batch: 1, offload.activations: 0}\n"
      "  max_memory: 3 GiB\n");
  CHECK(problem.all.size() > 2000);
  compare(problem);
}
