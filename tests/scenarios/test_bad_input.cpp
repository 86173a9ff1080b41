// Inputs that must be refused, each with the whole text of what is said of it. The corpus lies in
// bad/: NAME.yaml and NAME.expected.
#include <catch2/catch.hpp>

#include <chrono>

#include "support.hpp"

using namespace support;
using scenarios::ErrorKind;
using scenarios::ScenarioError;

namespace {

const std::filesystem::path kCorpus = source_dir() / "tests" / "scenarios" / "bad";

ErrorKind kind_of(const std::string& text) {
  try {
    scenarios::read_scenario_text(text, "test.yaml");
  } catch (const ScenarioError& error) {
    return error.kind();
  }
  FAIL("nothing was refused");
  return ErrorKind::io;
}

std::string repeated(const std::string& part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

}  // namespace

TEST_CASE("every bad input is refused with the words of its .expected file") {
  const auto inputs = files_in(kCorpus, ".yaml");
  REQUIRE(inputs.size() > 80);
  for (const auto& input : inputs) {
    const std::string said = complaint(read_text(input), input.filename().string());
    auto expected = input;
    expected.replace_extension(".expected");
    if (update()) write_text(expected, said + "\n");
    INFO(input.filename().string());
    CHECK_FALSE(said.empty());
    CHECK(said + "\n" == read_text(expected));
  }
}

TEST_CASE("each refusal has a position and each message a file") {
  for (const auto& input : files_in(kCorpus, ".yaml")) {
    INFO(input.filename().string());
    try {
      scenarios::read_scenario_text(read_text(input), "in.yaml");
      FAIL("accepted");
    } catch (const ScenarioError& error) {
      for (const auto& diagnostic : error.diagnostics()) {
        CHECK(diagnostic.file == "in.yaml");
        CHECK(diagnostic.line >= 1);
        CHECK(diagnostic.column >= 1);
        CHECK(diagnostic.message.size() > 5);
      }
    }
  }
}

TEST_CASE("at most twenty errors are reported") {
  std::string text = kSmall + "strategy:\n";
  for (int i = 0; i < 30; ++i) text += "  unknown" + std::to_string(i) + ": 1\n";
  try {
    scenarios::read_scenario_text(text, "test.yaml");
    FAIL("accepted");
  } catch (const ScenarioError& error) {
    CHECK(error.diagnostics().size() == 20);
    CHECK(error.diagnostics().front().line == 5);
    CHECK(error.diagnostics().back().line == 24);
  }
}

TEST_CASE("an unknown key lists the known ones when none is near") {
  const std::string said = complaint(kSmall + "strategy: {zzzzqq: 4}\n");
  CHECK_THAT(said, Catch::StartsWith("test.yaml:4:12: error: unknown key `strategy.zzzzqq`"));
  CHECK_THAT(said, Catch::Contains("known keys here: tp, sequence_parallel, cp,"));
}

TEST_CASE("an unknown schedule names the known ones") {
  const std::string said = complaint(kSmall + "strategy: {pp: 2, schedule: 1f1bb}\n");
  CHECK_THAT(said, Catch::StartsWith("test.yaml:4:29: error: there is no schedule '1f1bb'"));
  CHECK_THAT(said, Catch::Contains("did you mean 1f1b?"));
}

TEST_CASE("deep nesting is refused at level 65, quickly") {
  const auto start = std::chrono::steady_clock::now();
  const std::string said = complaint("model: " + repeated("[", 100'000) + "\n");
  const auto spent = std::chrono::steady_clock::now() - start;
  CHECK_THAT(said, Catch::StartsWith("test.yaml:1:71: error: nesting is deeper than 64"));
  CHECK(spent < std::chrono::milliseconds(500));  // 100 ms with room for a busy machine
}

TEST_CASE("alias bombs are refused where the bound is passed") {
  std::string text = "x-a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    const std::string above(1, static_cast<char>(c - 1));
    text += std::string("x-") + c + ": &" + c + " [*" + above + repeated(", *" + above, 9) + "]\n";
  }
  const std::string said = complaint(text + kSmall);
  CHECK_THAT(said, Catch::Contains("alias expansion exceeds 1000000 values"));
  CHECK_THAT(said, Catch::StartsWith("test.yaml:6:"));
}

TEST_CASE("too many tasks is a limit, everything else an invalid input") {
  const std::string huge =
      "model: {layers: 1000, hidden: 64, heads: 4, vocab: 100}\n"
      "cluster: {preset: dgx-a100, gpus: 8}\ntraining: {seq_len: 128, global_batch: 8e6}\n";
  CHECK(kind_of(huge) == ErrorKind::limit);
  CHECK(kind_of("model: 3") == ErrorKind::invalid_input);
}

TEST_CASE("a mapping has at most 4096 keys and a file a million values") {
  std::string keys;
  for (int i = 0; i < 5000; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  CHECK_THAT(complaint(keys), Catch::StartsWith("test.yaml:4097:1: error: more than 4096 keys"));
  const std::string list = "x-a: [" + repeated("1,", 1'100'000) + "1]\n" + kSmall;
  CHECK_THAT(complaint(list), Catch::Contains("the file exceeds 1000000 values"));
}

TEST_CASE("messages carry no control characters from the input") {
  const std::string said = complaint(kSmall + "\"\\e]0;x\\a\": 1\n");
  CHECK(said.find('\x1b') == std::string::npos);
  CHECK(said.find('\a') == std::string::npos);
}
