// torchtitan's job configurations: of two ages, what is wrong in them, and there and back.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "formats/torchtitan.hpp"
#include "scenarios/source.hpp"
#include "tests/formats/exported.hpp"

using namespace formats;
using tests::exported;

namespace {

scenarios::Scenario imported(const std::string& name, std::int64_t gpus) {
  const std::string file = STEPCAST_SOURCE_DIR "/tests/formats/data/" + name;
  return scenarios::read_scenario_text(
      import_torchtitan({name, scenarios::read_regular_file(file), "dgx-h100", gpus}).scenario,
      name);
}

scenarios::Diagnostic refused(const std::string& text, std::int64_t gpus = 8) {
  try {
    import_torchtitan({"job.toml", text, "dgx-h100", gpus});
  } catch (const scenarios::ScenarioError& error) {
    return error.diagnostics().front();
  }
  FAIL("it was read: " << text);
  return {};
}

scenarios::Scenario written(const std::string& more) {
  return scenarios::read_scenario_text("implementation: torchtitan\n" + more, "written");
}

}  // namespace

TEST_CASE("a torchtitan configuration becomes a scenario") {
  const scenarios::Scenario read = imported("torchtitan_llama3_70b.toml", 256);
  CHECK(read.model.name == "llama3-70b");
  CHECK(read.plan.tp == 8);
  CHECK(read.plan.sequence_parallel);
  CHECK(read.plan.vpp == 2);
  // 82 shares over 8 stages, the first ones larger; embedding and head are a share each.
  CHECK(read.plan.layers_of_chunk == std::vector<std::int64_t>{10, 11, 10, 10, 10, 10, 10, 9});
  CHECK(read.plan.zero == 3);
  CHECK_FALSE(read.plan.reshard_after_forward);  // the default under a pipeline
  CHECK(read.training.global_batch == 64);
  CHECK(read.training.micro_batch == 1);
  CHECK(read.training.precision == models::Precision::fp8);
  CHECK(read.training.compile);
  CHECK(read.implementation.fp8_gather);
}

TEST_CASE("an older torchtitan configuration has its degrees elsewhere") {
  const scenarios::Scenario read = imported("torchtitan_old.toml", 0);
  CHECK(read.cluster.gpus == 16);
  CHECK(read.plan.dp == 4);
  CHECK(read.plan.layers_of_chunk == std::vector<std::int64_t>{20, 12});
  CHECK(read.training.recompute.layers == 8);  // every second one
}

TEST_CASE("replicas and shards of torchtitan are hybrid sharding") {
  const std::string text =
      "[model]\nflavor = \"8B\"\n[parallelism]\ndata_parallel_replicate_degree = 2\n";
  const auto read = [&](const std::string& more) {
    return scenarios::read_scenario_text(
        import_torchtitan({"job.toml", text + more, "dgx-h100", 16}).scenario, "job");
  };
  CHECK(read("").plan.shard_group == 8);
  CHECK(read("context_parallel_degree = 2").plan.shard_group == 8);
  CHECK(read("tensor_parallel_degree = 8").plan.zero == 0);
}

TEST_CASE("what torchtitan would refuse is said at its place") {
  const auto fault = refused("[model]\nname = \"llama3\"\nflavor = \"9B\"\n");
  CHECK(fault.message == "model llama3 9B is not known");
  CHECK(fault.line == 3);
  CHECK(refused("[model\n").line == 1);
  const std::string model = "[model]\nflavor = \"8B\"\n";
  const std::pair<std::string, std::string> cases[] = {
      {"[parallelism]\ntensor_parallel_degree = \"two\"", "takes a whole number"},
      {"[parallelism]\ntensor_parallel_degree = 3", "is not 8 GPUs"},
      {"[parallelism]\ntensor_parallel_degree = 1_000_000\ncontext_parallel_degree = 1_000_000",
       "parallel degrees above 1048576 ranks"},
      {"[training]\ncompile = 1", "training.compile takes a truth value"},
      {"[training]\nglobal_batch_size = 100", "global_batch_size 100 does not divide"},
      {"[activation_checkpoint]\nmode = \"some\"", "has no choice 'some'"},
      {"[parallelism]\npipeline_parallel_degree = 2\npipeline_parallel_layers_per_stage = 12",
       "3 stages do not lie on 2 ranks"},
  };
  for (const auto& [more, message] : cases) {
    CAPTURE(more);
    const auto said = refused(model + more);
    CHECK(said.message.find(message) != std::string::npos);
    CHECK(said.line > 3);
  }
}

TEST_CASE("scenarios in torchtitan's words come back as they were") {
  const std::string cluster = "cluster: {preset: dgx-h100, gpus: 64}\n";
  const std::string training =
      "training: {seq_len: 4096, global_batch: 128, micro_batch: 1, recompute: ";
  const std::string rest[] = {
      "full}\nstrategy: {zero: 3}\n",
      "none, compile: true}\nstrategy: {zero: 3, shard_group: 8}\n",
      "selective}\nstrategy: {tp: 8, sequence_parallel: true, zero: 3, overlap: {tp: true}}\n",
      "{layers: 8}, precision: fp8, fp8_recipe: rowwise}\nstrategy: {zero: 3}\n",
      "full, precision: fp8, fp8_recipe: tensorwise}\nstrategy: {zero: 3, cp: 2}\n",
      "none}\nstrategy: {pp: 4, zero: 0}\n",
      "none}\nstrategy: {pp: 4, vpp: 2, zero: 3, reshard_after_forward: false}\n",
      "none}\nstrategy: {zero: 3, offload: {optimizer: 1, parameters: 1}}\n",
      "none}\nstrategy: {cp: 4, cp_type: ring, zero: 3}\n",
  };
  for (const std::string& more : rest) {
    for (const char* model : {"llama3-8b", "llama3-70b", "deepseek-v2-lite"}) {
      const bool latent = std::string_view(model) == "deepseek-v2-lite";
      if (latent &&
          (more.find("cp") != std::string::npos || more.find("pp") != std::string::npos)) {
        continue;
      }
      CAPTURE(model, more);
      const auto scenario = written(fmt::format("model: {}\n", model) + cluster + training + more);
      const tests::Exported out = exported(&export_torchtitan, scenario);
      for (const std::string& key : out.keys) {
        // Half of a chunk's layers is what it can say, not every number of them.
        const bool rounded = key.starts_with("training.recompute");
        CHECK((rounded || key == "model.moe.node_limit"));
      }
      if (more.find("layers: 8") == std::string::npos) CHECK(out.notes == "");
    }
  }
}

TEST_CASE("what torchtitan has no words for is said") {
  const auto notes = [](const std::string& name) {
    return exported(&export_torchtitan, scenarios::read_scenario(fmt::format(
                                            STEPCAST_SOURCE_DIR "/scenarios/{}.yaml", name)))
        .notes;
  };
  CHECK(notes("torchtitan-llama3-8b") == "");
  CHECK(notes("llama3-405b-4d").find("strategy.zero: 2 does not carry over; the file means 3") !=
        std::string::npos);
  CHECK_THROWS_WITH(notes("mixtral-8x7b"), Catch::Contains("torchtitan names its models"));
}
