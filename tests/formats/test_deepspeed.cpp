// DeepSpeed's configurations: what they say, what is wrong in them, and there and back.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "scenarios/source.hpp"
#include "tests/formats/exported.hpp"

using namespace formats;
using tests::exported;

namespace {

Imported import_text(const std::string& text, std::int64_t gpus = 8) {
  return import_deepspeed({"ds_config.json", text, "dgx-h100", gpus});
}

scenarios::Scenario read(const Imported& imported) {
  return scenarios::read_scenario_text(imported.scenario, "imported");
}

scenarios::Diagnostic refused(const std::string& text) {
  try {
    import_text(text);
  } catch (const scenarios::ScenarioError& error) {
    return error.diagnostics().front();
  }
  FAIL("it was read: " << text);
  return {};
}

}  // namespace

TEST_CASE("a DeepSpeed configuration becomes a scenario of an assumed model") {
  const std::string file = STEPCAST_SOURCE_DIR "/tests/formats/data/ds_config_zero3.json";
  const Imported imported = import_text(scenarios::read_regular_file(file), 0);
  const scenarios::Scenario scenario = read(imported);
  CHECK(scenario.cluster.gpus == 64);  // 512 = 2 x 4 x 64
  CHECK(scenario.plan.zero == 3);
  CHECK(scenario.plan.grad_reduce == strategies::GradReduce::micro_batch);
  CHECK(scenario.plan.offload.optimizer == 1.0);
  CHECK(scenario.plan.secondary_shard == 8);
  CHECK(scenario.training.grad_dtype == models::Precision::bf16);
  CHECK(scenario.implementation.bucket.count() == 1'000'000'000);
  std::string said;
  for (const Note& note : imported.notes) said += fmt::format("{}: {}\n", note.line, note.text);
  CHECK(said.find("0: the model is not in the file") == 0);
  CHECK(said.find("14: zero_optimization.stage3_prefetch_bucket_size") != std::string::npos);
  CHECK(said.find("19: whether layers are recomputed is the script's") != std::string::npos);
  CHECK(said.find("gradient_clipping") == std::string::npos);
}

TEST_CASE("two of DeepSpeed's three batch sizes say the third") {
  const auto batches = [](const std::string& text) {
    const scenarios::Scenario scenario = read(import_text("{" + text + "}"));
    return std::pair(scenario.training.global_batch, scenario.training.micro_batch);
  };
  using Pair = std::pair<std::int64_t, std::int64_t>;
  CHECK(batches(R"("train_batch_size": 64)") == Pair{64, 8});
  CHECK(batches(R"("train_batch_size": 64, "train_micro_batch_size_per_gpu": 2)") == Pair{64, 2});
  CHECK(batches(R"("train_batch_size": 64, "gradient_accumulation_steps": 4)") == Pair{64, 2});
  CHECK(batches(R"("train_micro_batch_size_per_gpu": 3)") == Pair{24, 3});
  CHECK(batches(R"("train_micro_batch_size_per_gpu": 3, "gradient_accumulation_steps": 2,
                   "train_batch_size": "auto")") == Pair{48, 3});
}

TEST_CASE("what DeepSpeed would refuse is said at its place") {
  const std::string batch = "{\n\"train_batch_size\": 64,\n";
  const std::pair<std::string, std::string> cases[] = {
      {R"("train_micro_batch_size_per_gpu": 3})", "train_batch_size 64 is not"},
      {R"("gradient_accumulation_steps": 1e11})", "gradient_accumulation_steps takes a whole"},
      {R"("zero_optimization": {"stage": 4}})", "there is no ZeRO stage 4"},
      {R"("zero_optimization": {"stage": "three"}})", "takes a whole number"},
      {R"("zero_optimization": {"stage": 1, "offload_param": {"device": "cpu"}}})",
       "zero_optimization.offload_param.device: cpu needs stage 3"},
      {R"("bf16": {"enabled": true}, "fp16": {"enabled": true}})", "fp16 and bf16 exclude"},
      {R"("bf16": {"enabled": "yes"}})", "bf16.enabled takes a truth value"},
      {"\"bf16\": }", "this is no JSON object"},
  };
  for (const auto& [more, message] : cases) {
    CAPTURE(more);
    const auto said = refused(batch + more);
    CHECK(said.message.find(message) != std::string::npos);
    CHECK(said.line >= 2);
  }
  CHECK(refused("{}").message.find("neither train_batch_size") == 0);
  CHECK(refused("[1]").message == "this is no JSON object");
}

TEST_CASE("scenarios of DeepSpeed come back from its configuration as they were") {
  for (const char* name : {"offload-llama2-13b", "zero-comparison"}) {
    for (const char* zero : {"0", "1", "2", "3"}) {
      for (const char* offload : {"{}", "{optimizer: 1}"}) {
        CAPTURE(name, zero, offload);
        scenarios::ReadOptions how;
        const bool partitions = std::string_view(zero) > "1";
        how.set = {fmt::format("strategy.zero={}", zero),
                   fmt::format("strategy.grad_reduce={}", partitions ? "micro_batch" : "step")};
        if (partitions) how.set.push_back(fmt::format("strategy.offload={}", offload));
        const auto scenario = scenarios::read_scenario(
            fmt::format(STEPCAST_SOURCE_DIR "/scenarios/{}.yaml", name), how);
        const tests::Exported out = exported(&export_deepspeed, scenario);
        CAPTURE(out.text, out.notes);
        CHECK(out.keys == std::set<std::string>{"the training script's, not the file's"});
      }
    }
  }
}

TEST_CASE("what DeepSpeed's configuration has no words for is said") {
  const auto scenario = scenarios::read_scenario(STEPCAST_SOURCE_DIR "/scenarios/bloom-176b.yaml");
  const tests::Exported out = exported(&export_deepspeed, scenario);
  CHECK(out.notes.find("model bloom-176b") != std::string::npos);
  CHECK(out.keys.contains("implementation.base"));
}
