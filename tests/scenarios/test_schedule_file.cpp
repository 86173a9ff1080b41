// Schedules and layouts written by hand.
#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "scenarios/pipeline_layout.hpp"
#include "scenarios/report.hpp"
#include "strategies/schedule.hpp"
#include "support.hpp"

using namespace support;

namespace {

// A folder of its own that is gone afterwards.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / "stepcast-schedule-test") {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string cell(const strategies::PipelineSchedule& schedule, std::int64_t stage,
                 const strategies::PassSlot& slot) {
  return fmt::format("{}{}{}", schedule.piece_of(stage, slot.chunk),
                     "FBIW"[static_cast<std::size_t>(slot.kind)], slot.micro_batch);
}

std::string written(const strategies::PipelineSchedule& schedule, bool yaml) {
  std::string text = yaml ? "ranks:\n" : "";
  for (std::size_t s = 0; s < schedule.stages.size(); ++s) {
    std::vector<std::string> cells;
    for (const auto& slot : schedule.stages[s]) {
      cells.push_back(cell(schedule, static_cast<std::int64_t>(s), slot));
    }
    const std::string row = fmt::format("{}", fmt::join(cells, ", "));
    text += yaml ? "  - [" + row + "]\n" : row + "\n";
  }
  return text;
}

std::string scenario(const std::string& strategy) {
  return fmt::format(
      "model: {{layers: 8, hidden: 1024, heads: 16, ffn: 4096, vocab: 32000}}\n"
      "cluster: {{preset: dgx-h100, gpus: 8}}\n"
      "training: {{seq_len: 1024, global_batch: 16, micro_batch: 1}}\nstrategy: {{{}}}\n",
      strategy);
}

sim::Time step_time(const std::string& strategy, const std::string& file) {
  return scenarios::predict(scenarios::read_scenario_text(scenario(strategy), file)).step_time;
}

}  // namespace

TEST_CASE("a schedule file runs as the generated schedule that it spells out") {
  const Folder folder;
  const std::string in = folder.file("in.yaml");
  for (const bool yaml : {false, true}) {
    for (const char* name : {"1f1b", "zb-h1", "interleaved", "zb-v"}) {
      const std::int64_t chunks =
          std::string(name) == "1f1b" || std::string(name) == "zb-h1" ? 1 : 2;
      const auto generated = strategies::find_schedule(name)->generate({4, chunks, 8});
      const std::string file = yaml ? "mine.yaml" : "mine.csv";
      write_text(folder.file(file), written(generated, yaml));
      INFO(name << " in " << file);
      CHECK(step_time(fmt::format("schedule_file: {}, dp: 2", file), in) ==
            step_time(fmt::format("pp: 4, vpp: {}, dp: 2, schedule: {}", chunks, name), in));
    }
  }
}

TEST_CASE("what is wrong with a schedule file is said with its place") {
  const Folder folder;
  const auto said = [&](const std::string& name, const std::string& text,
                        const std::string& more = "") {
    write_text(folder.file(name), text);
    return complaint(scenario(fmt::format("schedule_file: {}, dp: 4{}", name, more)),
                     folder.file("in.yaml"));
  };
  using Catch::Contains;
  CHECK_THAT(said("a.csv", "0F0,0B0\n1F0,1X0\n"), Contains("a.csv:2:5: error") && Contains("1X0"));
  CHECK_THAT(said("a.yaml", "ranks:\n  - [0F0, 0B0]\n  - [1F0, 1X0]\n"),
             Contains("a.yaml:3:11: error") && Contains("1X0"));
  CHECK_THAT(said("a.yaml", "stages: []\n"), Contains("needs a list `ranks:`"));
  CHECK_THAT(said("a.yaml", "ranks: [0F0]\n"), Contains("a rank is a list of passes"));
  CHECK_THAT(said("a.csv", "0F0,0B0\n1F0\n"),
             Contains("a.csv:2:1: error: ") && Contains("lacks a pass"));
  CHECK_THAT(said("a.csv", "0B0,0F0\n1B0,1F0\n"),
             Contains("a.csv:1:1: error: ") && Contains("waits for ever"));
  CHECK_THAT(said("a.csv", "0F0,0B0\n1B0,1F0\n"),
             Contains("a.csv:1:5: error: ") && Contains("waits for ever"));
  CHECK_THAT(said("a.csv", "0F0,0B0, 0F0\n1F0,1B0\n"),
             Contains("a.csv:1:10: error: ") && Contains("twice"));
  CHECK_THAT(said("a.csv", "0F0,0F1,(0F2;0B0)OVERLAP_F_B,0B1,0B2,0B1\n1F0,1B0,1F1,1B1,1F2,1B2\n"),
             Contains("a.csv:1:38: error: ") && Contains("twice"));
  CHECK_THAT(said("a.yaml", "ranks:\n  - [0F0, 0B0]\n  - []\n  - [2F0, 2B0]\n"),
             Contains("a.yaml:2:6: error: ") && Contains("lacks a pass"));
  CHECK_THAT(said("a.txt", "0F0"),
             Contains("in.yaml:") && Contains("its name ends in .csv or .yaml"));
  const std::string good = "0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n";
  CHECK_THAT(said("a.csv", good),
             Contains("2 micro-batches, but a step has 4") && Contains("training.global_batch: 8"));
  CHECK_THAT(said("a.csv", good, ", pp: 4"), Contains("has 2 ranks, but pp is 4"));
  CHECK_THAT(said("a.csv", good, ", vpp: 2"), Contains("has 1 pieces a rank, but vpp is 2"));
  CHECK_THAT(said("a.csv", good, ", schedule: gpipe"), Contains("exclude each other"));
}

TEST_CASE("a layout in Megatron's words") {
  using Layers = std::vector<std::int64_t>;
  CHECK(scenarios::parse_pipeline_layout("Et*3|(tt|)*2tL").layers == Layers{3, 2, 2, 1});
  CHECK(scenarios::parse_pipeline_layout("E|t*2,t|L").layers == Layers{0, 3, 0});
  const auto deepseek = scenarios::parse_pipeline_layout("Et*3|(tt|)*29m|L");
  CHECK(deepseek.problem.empty());
  CHECK(deepseek.layers.size() == 32);
  CHECK(deepseek.mtp_layers == 1);
  CHECK(deepseek.mtp_piece == 30);
  CHECK_THAT(scenarios::parse_pipeline_layout("Etm|tL").problem, Catch::Contains("must follow"));
  CHECK_THAT(scenarios::parse_pipeline_layout("Et|m|mL").problem, Catch::Contains("in one chunk"));
  CHECK_THAT(scenarios::parse_pipeline_layout("E(t*99999)*99999L").problem,
             Catch::Contains("too many layers"));
  CHECK_THAT(scenarios::parse_pipeline_layout("").problem, Catch::Contains("begin with E"));
}

TEST_CASE("a layout places layers as the list of numbers does") {
  const std::string in = "in.yaml";
  CHECK(step_time("pp: 4, dp: 2, pp_layout: {layout: 'Et|(ttt|)*2tL'}", in) ==
        step_time("pp: 4, dp: 2, pp_layout: {stages: [1, 3, 3, 1]}", in));
  const auto scenario_of = scenarios::read_scenario_text(
      scenario("pp: 4, dp: 2, pp_layout: {layout: '(Et|)*1(t|)*6tL'}"), in);
  CHECK(scenario_of.plan.vpp == 2);  // eight chunks over four stages
  CHECK(scenario_of.plan.schedule == "interleaved");
}
