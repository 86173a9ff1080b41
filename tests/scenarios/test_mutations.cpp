// Thousands of damaged scenarios: each is read or refused, none crashes, hangs or throws anything
// but ScenarioError. Damage is deterministic.
#include <catch2/catch.hpp>

#include <cstdint>

#include "scenarios/utf8.hpp"
#include "support.hpp"

using namespace support;

namespace {

// splitmix64 (Steele, Lea, Flood 2014): the same numbers everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::size_t below(std::size_t limit) {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return static_cast<std::size_t>((z ^ (z >> 31U)) % limit);
  }

 private:
  std::uint64_t state_;
};

const std::vector<std::string> kPieces = {
    "[",    "]",   "{",    "}",   ":",    ": ",   ",",  "\n",  "\n  ", "- ",    "\"",
    "'",    "&a ", "*a",   "!x ", "<<: ", "|",    ">",  "#",   "---",  "...",   "\t",
    "%",    "~",   "-1",   "0",   "1e9",  "1e99", "no", "010", "0x1",  "null",  ".inf",
    "1e-9", "",    "\xFF", "\\",  "GB/s", "b/s",  "us", "B",   "{}",   "[1,2]", "tp: 3, "};

std::string damaged(std::string text, Random& random) {
  const std::size_t hits = 1 + random.below(3);
  for (std::size_t i = 0; i < hits; ++i) {
    const std::size_t at = random.below(text.size() + 1);
    const std::size_t length = random.below(std::min<std::size_t>(text.size() - at + 1, 8));
    switch (random.below(3)) {
      case 0:
        text.insert(at, kPieces[random.below(kPieces.size())]);
        break;
      case 1:
        text.replace(at, length, kPieces[random.below(kPieces.size())]);
        break;
      default:
        text.erase(at, length);
    }
  }
  return text;
}

struct Counts {
  int accepted = 0, refused = 0;
};

void try_text(const std::string& text, Counts& counts) {
  try {
    const auto scenario = scenarios::read_scenario_text(text, "damaged.yaml");
    CHECK(scenario.plan.world_size() == scenario.cluster.gpus);
    ++counts.accepted;
  } catch (const scenarios::ScenarioError& error) {
    ++counts.refused;
    CHECK(error.diagnostics().size() >= 1);
    CHECK(error.diagnostics().size() <= 20);
    CHECK_FALSE(scenarios::first_invalid_utf8(error.what()).has_value());
  }
}

}  // namespace

TEST_CASE("damaged scenarios are read or refused") {
  const std::string seeds[] = {
      read_text(source_dir() / "scenarios" / "llama3-405b-4d.yaml"),
      kSmall +
          "strategy: {tp: 2, sequence_parallel: true, overlap: {tp: true}, pp_layout: {stages: "
          "[12]}}\n"
          "faults: {slow_ranks: [{rank: 1, factor: 2}], jitter: 0.01}\n"
          "search: {ranges: {tp: [1, 2]}, max_memory: 70 GiB}\n",
      "model: {blocks: [{name: a, repeat: 2, operators: [{type: linear, in: 8, out: 8}]}]}\n"
      "cluster: {device: {base: a100-80gb, peak: {bf16: 312 TFLOP/s}}, gpus: 8,\n"
      "  inter_node: {type: roce, bandwidth: 200 Gb/s}}\ntraining: {global_batch: 64}\n"};
  Random random(20240607);
  Counts counts;
  for (const std::string& seed : seeds) {
    REQUIRE(complaint(seed) == "");
    for (int i = 0; i < 400; ++i) try_text(damaged(seed, random), counts);
  }
  CHECK(counts.refused > 600);
  CHECK(counts.accepted > 20);
}

TEST_CASE("damaged bad inputs are still refused or read in peace") {
  Random random(7);
  Counts counts;
  for (const auto& input : files_in(source_dir() / "tests/scenarios/bad", ".yaml")) {
    const std::string seed = read_text(input);
    for (int i = 0; i < 6; ++i) try_text(damaged(seed, random), counts);
  }
  CHECK(counts.refused > 300);
}

TEST_CASE("every prefix of a scenario is read or refused") {
  const std::string text = kSmall + "strategy: {tp: 2, overlap: {tp: true}}\nname: \"a 'b' c\"\n";
  Counts counts;
  for (std::size_t length = 0; length <= text.size(); ++length) {
    try_text(text.substr(0, length), counts);
  }
  CHECK(counts.refused > 100);
  CHECK(counts.accepted >= 1);
}
