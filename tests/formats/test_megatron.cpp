// Megatron-LM's arguments: scripts as people write them, what is wrong in them, and there and back.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <set>

#include "formats/carried.hpp"
#include "formats/megatron.hpp"
#include "scenarios/source.hpp"
#include "tests/draw.hpp"
#include "tests/formats/exported.hpp"

using namespace formats;
using tests::exported;

namespace {

const std::string kData = STEPCAST_SOURCE_DIR "/tests/formats/data/";

Imported import_file(const std::string& name, std::int64_t gpus = 0) {
  return import_megatron({name, scenarios::read_regular_file(kData + name), "dgx-h100", gpus});
}

// What is said first about such a text.
scenarios::Diagnostic refused(const std::string& text, std::int64_t gpus = 8) {
  try {
    import_megatron({"run.sh", text, "dgx-h100", gpus});
  } catch (const scenarios::ScenarioError& error) {
    return error.diagnostics().front();
  }
  FAIL("it was read: " << text);
  return {};
}

const std::string kSmall =
    "--num-layers 8 --hidden-size 1024 --num-attention-heads 16 --vocab-size 50257 "
    "--seq-length 2048 --max-position-embeddings 2048 --micro-batch-size 1 --bf16 ";

}  // namespace

TEST_CASE("a Megatron-LM script is read through its variables and arrays") {
  const Imported imported = import_file("megatron_llama3_70b.sh");
  const scenarios::Scenario read = scenarios::read_scenario_text(imported.scenario, "imported");
  const auto named = scenarios::read_model("llama3-70b");
  CHECK(models::count_parameters(read.model).total == models::count_parameters(named).total);
  CHECK(read.cluster.gpus == 512);
  CHECK(read.training.global_batch == 1024);
  CHECK(read.training.recompute.mode == strategies::Recompute::selective);
  CHECK(read.plan.tp == 8);
  CHECK(read.plan.vpp == 4);
  CHECK(read.plan.zero == 1);
  CHECK(read.plan.overlap.tp);
  CHECK(read.plan.overlap.param_gather);
  CHECK(read.implementation.name == "megatron-core");
  // Paths, rates and logs are no news; the one argument that may matter is.
  REQUIRE(imported.notes.size() == 1);
  CHECK(imported.notes.front().line == 70);
  CHECK(imported.notes.front().text.find("--ddp-average-in-collective") == 0);
}

TEST_CASE("Megatron-LM's arguments alone are read, with latent attention and experts") {
  const Imported imported = import_file("megatron_moe_args.txt", 32);
  const scenarios::Scenario read = scenarios::read_scenario_text(imported.scenario, "imported");
  const auto named = scenarios::read_model("deepseek-v2-lite");
  CHECK(models::count_parameters(read.model).total == models::count_parameters(named).total);
  CHECK(read.plan.ep == 8);
  CHECK(read.training.recompute.layers == 3);
  std::string said;
  for (const Note& note : imported.notes) said += fmt::format("{}: {}\n", note.line, note.text);
  CHECK(said.find("10: optimizer muon has no counterpart") != std::string::npos);
  CHECK(said.find("10: --make-it-quick is not known here\n") != std::string::npos);
  CHECK(said.find("did you mean --seq-length?") != std::string::npos);
}

TEST_CASE("defaults of Megatron-LM are not those of a scenario") {
  const Imported imported = import_megatron({"run.sh", kSmall, "dgx-a100", 8});
  const scenarios::Scenario read = scenarios::read_scenario_text(imported.scenario, "imported");
  const models::Transformer& model = *read.model.transformer();
  CHECK(model.position == models::Position::learned);
  CHECK(model.norm == models::Norm::layernorm);
  CHECK(model.tied_embeddings);
  CHECK(model.bias);
  CHECK_FALSE(model.gated_mlp);
  CHECK(model.ffn == 4096);
  CHECK(read.implementation.kernels.dropout);
  CHECK_FALSE(read.plan.overlap.grad_reduce);
  CHECK(read.training.global_batch == 8);
}

TEST_CASE("layers of Megatron-LM's pipeline arguments lie where it puts them") {
  const auto layers = [](const std::string& more) {
    const std::string text = kSmall + "--pipeline-model-parallel-size 4 " + more;
    const Imported imported = import_megatron({"run.sh", text, "dgx-h100", 8});
    return scenarios::read_scenario_text(imported.scenario, "imported").plan.layers_of_chunk;
  };
  using Chunks = std::vector<std::int64_t>;
  CHECK(layers("") == Chunks{2, 2, 2, 2});
  CHECK(layers("--num-layers-per-virtual-pipeline-stage 1 --global-batch-size 8") == Chunks(8, 1));
  CHECK(layers("--decoder-first-pipeline-num-layers 1 --decoder-last-pipeline-num-layers 1") ==
        Chunks{1, 3, 3, 1});
  CHECK(layers("--decoder-last-pipeline-num-layers 2") == Chunks{2, 2, 2, 2});
  CHECK(layers("--pipeline-model-parallel-layout 'Et|(t*3|)*2tL'") == Chunks{1, 3, 3, 1});
  CHECK(layers("--num-layers 7 --account-for-loss-in-pipeline-split") == Chunks{2, 2, 2, 1});
  CHECK(layers("--num-layers 7 --account-for-embedding-in-pipeline-split") == Chunks{1, 2, 2, 2});
  CHECK(layers("--num-layers 6 --account-for-embedding-in-pipeline-split "
               "--account-for-loss-in-pipeline-split") == Chunks{1, 2, 2, 1});
}

TEST_CASE("what cannot be is said where the script says it") {
  const auto fault = refused("TP=3\n" + kSmall + "\\\n  --tensor-model-parallel-size $TP", 8);
  CHECK(fault.message == "8 GPUs do not divide by tp·cp·pp = 3·1·1 = 3");
  CHECK(fault.line == 1);
  CHECK(fault.column == 4);
  CHECK(fault.source_line == "TP=3");

  const auto unset = refused(kSmall + "--tensor-model-parallel-size $TP");
  CHECK(unset.message == "--tensor-model-parallel-size has no value");
  CHECK(unset.hint.find("TP is not set in this file") == 0);

  // What only the scenario's reader finds comes back to the argument, too.
  const auto heads = refused("--tensor-model-parallel-size 16\\\n " + kSmall +
                                 "--num-attention-heads \\\n 24 --kv-channels 64",
                             16);
  CHECK(heads.line == 1);

  const std::pair<std::string, std::string> cases[] = {
      {"--fp16", "--fp16 and --bf16 exclude each other"},
      {"--micro-batch-size two", "--micro-batch-size takes a whole number, found 'two'"},
      {"--normalization BatchNorm", "--normalization has no choice 'BatchNorm'"},
      {"--global-batch-size 12", "--global-batch-size 12 does not divide by --micro-batch-size 1"},
      {"--max-position-embeddings 1024",
       "--max-position-embeddings 1024 is below --seq-length 2048"},
      {"--pipeline-model-parallel-size 3", "8 GPUs do not divide by tp·cp·pp"},
      {"--pipeline-model-parallel-size 8 --num-layers 12", "12 layers do not divide over 8 stages"},
      {"--expert-model-parallel-size 2", "--expert-model-parallel-size needs --num-experts"},
      {"--overlap-param-gather", "--overlap-param-gather needs --use-distributed-optimizer"},
      {"--recompute-granularity full", "--recompute-granularity full needs --recompute-method"},
      {"--recompute-granularity selective --recompute-method uniform",
       "--recompute-method is for --recompute-granularity full"},
      {"--num-experts 8 --moe-layer-freq [0,1,1]", "--moe-layer-freq '[0,1,1]' is no pattern"},
      {"--tp-comm-overlap", "--tp-comm-overlap needs --sequence-parallel"},
      {"--window-size wide", "--window-size takes two numbers"},
      {"--tensor-model-parallel-size 1000000 --context-parallel-size 1000000",
       "parallel degrees above 1048576 ranks"},
      {"--pipeline-model-parallel-size 2 --num-virtual-stages-per-pipeline-rank 1000000000",
       "8 layers are too few for 1000000000 chunks"},
      {"--window-size 9223372036854775807,0", "--window-size takes two numbers"},
      {"--num-layers 20000", "20000 layers are more than any model has"},
      {"--num-virtual-stages-per-pipeline-rank 2 --num-layers-per-virtual-pipeline-stage 1 "
       "--pipeline-model-parallel-size 2",
       "--num-layers-per-virtual-pipeline-stage and --num-virtual-stages-per-pipeline-rank"},
  };
  for (const auto& [more, message] : cases) {
    CAPTURE(more);
    const auto said = refused(kSmall + more);
    CHECK(said.message.find(message) == 0);
    CHECK(said.line == 1);
    CHECK(said.column > 1);
  }
  CHECK(refused("echo hello").message == "no argument of Megatron-LM is in this file");
  CHECK(refused("--num-layers 8").message == "--hidden-size is not in the file");
}

TEST_CASE("shipped scenarios of Megatron-Core come back from its arguments as they were") {
  for (const char* name :
       {"llama3-8b-1m", "mixtral-8x22b-folding", "mixtral-8x7b", "qwen3-235b-a22b", "qwen3-30b-a3b",
        "stragglers-llama2-13b", "three-strategies", "zero-bubble-14b", "pcie-box"}) {
    CAPTURE(name);
    const auto scenario =
        scenarios::read_scenario(fmt::format(STEPCAST_SOURCE_DIR "/scenarios/{}.yaml", name));
    CHECK(exported(&export_megatron, scenario).notes == "");
  }
}

TEST_CASE("what Megatron-LM has no words for is said") {
  const auto notes = [](const std::string& name, const std::vector<std::string>& set = {}) {
    scenarios::ReadOptions how;
    how.set = set;
    return exported(&export_megatron,
                    scenarios::read_scenario(
                        fmt::format(STEPCAST_SOURCE_DIR "/scenarios/{}.yaml", name), how))
        .notes;
  };
  const std::string deepseek = notes("deepseek-v3-h800");
  for (const char* key : {"strategy.schedule", "training.saved.activation_input",
                          "training.saved.attention_output", "training.recompute.modules",
                          "strategy.ep_dispatch_dtype", "strategy.overlap.delay_wgrad"}) {
    CHECK(deepseek.find(std::string(key) + ": ") != std::string::npos);
  }
  CHECK(notes("stragglers-llama2-13b", {"faults.jitter=0.02"}).find("faults.jitter") == 0);
  CHECK(notes("stragglers-llama2-13b", {"strategy.zero=3", "strategy.quantized_weights=true"})
            .find("strategy.quantized_weights") == 0);
  CHECK_THROWS_WITH(notes("resnet50-ddp"), Catch::Contains("a list of operators"));
}

TEST_CASE("every catalogue model under random strategies is written in words that are read back") {
  tests::Draw draw(20);
  const std::set<std::string> wordless{"model.position", "training.optimizer",
                                       "training.grad_dtype", "model.moe.node_limit"};
  for (const auto& entry : scenarios::list_catalogue("models")) {
    const models::Model model = scenarios::read_model(entry.name);
    if (model.transformer() == nullptr) continue;
    const auto drawn = tests::drawn_scenario(draw, entry.name, model);
    if (!drawn) continue;
    const tests::Exported out = exported(&export_megatron, *drawn);
    CAPTURE(entry.name, out.text, out.notes);
    for (const std::string& key : out.keys) CHECK(wordless.contains(key));
    // Every argument that is written is one of Megatron-LM's.
    std::istringstream words(out.text);
    for (std::string word; words >> word;) {
      if (!word.starts_with("--")) continue;
      const auto mapped = megatron_mapped();
      const bool known = std::find(mapped.begin(), mapped.end(), word) != mapped.end() ||
                         megatron_role(word) != MegatronRole::unknown;
      CHECK(known);
    }
  }
}

TEST_CASE("scripts that are damaged are read or refused") {
  const std::string script = scenarios::read_regular_file(kData + "megatron_llama3_70b.sh");
  tests::Draw draw(7);
  for (int i = 0; i < 300; ++i) {
    std::string text = script;
    for (int k = 0; k < 4; ++k) {
      const std::size_t at = draw.number() % text.size();
      const std::string_view marks = "\\'\"$(){}`#\n=+[]-0 ";
      text[at] = marks[draw.number() % marks.size()];
      if (draw.number() % 8 == 0) text.resize(at + 1);
    }
    CAPTURE(text);
    try {
      import_megatron({"run.sh", text, "dgx-h100", 512});
    } catch (const scenarios::ScenarioError& error) {
      CHECK(!error.diagnostics().empty());
    }
  }
}
