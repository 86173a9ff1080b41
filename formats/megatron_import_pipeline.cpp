// Megatron-LM's arguments as a scenario: which layers lie on which pipeline stage.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <numeric>

#include "formats/megatron.hpp"

namespace formats {
namespace {

// Chunks a stage, or 0 where what is said makes none.
std::int64_t chunks_of(ImportDraft& draft, MegatronArguments& args, std::int64_t shared,
                       std::int64_t stages) {
  const std::string by_chunks = "--num-virtual-stages-per-pipeline-rank";
  const std::string by_layers = "--num-layers-per-virtual-pipeline-stage";
  const auto chunks = args.count(by_chunks);
  const auto each = args.count(by_layers);
  if (chunks && each) {
    draft.fault(args.at(by_layers),
                fmt::format("{} and {} exclude each other", by_layers, by_chunks), "one of them");
    return 0;
  }
  if (chunks && *chunks > shared) {
    draft.fault(args.at(by_chunks),
                fmt::format("{} layers are too few for {} chunks a stage", shared, *chunks),
                "fewer chunks");
    return 0;
  }
  if (chunks) return *chunks;
  if (!each) return 1;
  if (shared % stages != 0 || (shared / stages) % *each != 0) {
    draft.fault(
        args.at(by_layers),
        fmt::format("{} layers over {} stages do not divide into chunks of {}", shared, stages,
                    *each),
        shared % stages == 0 ? fmt::format("a divisor of {}", shared / stages) : "other stages");
    return 0;
  }
  return shared / stages / *each;
}

// Layers a stage when the first or the last has its own number, or counts for one more.
std::vector<std::int64_t> layers_of_stages(ImportDraft& draft, MegatronArguments& args,
                                           std::int64_t layers, std::int64_t stages) {
  const auto first = args.count("--decoder-first-pipeline-num-layers");
  const auto last = args.count("--decoder-last-pipeline-num-layers");
  const bool embedding = args.has("--account-for-embedding-in-pipeline-split");
  const bool loss = args.has("--account-for-loss-in-pipeline-split");
  std::vector<std::int64_t> out(static_cast<std::size_t>(stages));
  const std::int64_t counted =
      layers + (embedding ? 1 : 0) + (loss ? 1 : 0) - first.value_or(0) - last.value_or(0);
  const std::int64_t even = stages - (first ? 1 : 0) - (last ? 1 : 0);
  if (counted < 0 || (even > 0 ? counted % even : counted) != 0) {
    const char* said =
        first ? "--decoder-first-pipeline-num-layers"
              : (last ? "--decoder-last-pipeline-num-layers" : "--pipeline-model-parallel-size");
    draft.fault(args.at(said), fmt::format("{} layers do not divide over {} stages", counted, even),
                "--pipeline-model-parallel-layout, or other stages");
    return {};
  }
  for (std::int64_t& stage : out) stage = even > 0 ? counted / even : 0;
  if (first) out.front() = *first;
  if (last) out.back() = *last;
  if (embedding) --out.front();
  if (loss) --out.back();
  return out;
}

void layout(ImportDraft& draft, MegatronArguments& args, std::int64_t layers, std::int64_t stages,
            std::int64_t chunks) {
  const bool embedding = args.has("--account-for-embedding-in-pipeline-split");
  const bool loss = args.has("--account-for-loss-in-pipeline-split");
  const bool own = args.has("--decoder-first-pipeline-num-layers") ||
                   args.has("--decoder-last-pipeline-num-layers");
  if (embedding && loss && !own && (layers + 2) % stages == 0) {
    draft.set("strategy.pp_layout.embedding_as_layer", true,
              args.at("--account-for-embedding-in-pipeline-split"));
    return;
  }
  const std::vector<std::int64_t> of_stage = layers_of_stages(draft, args, layers, stages);
  if (of_stage.empty() || (!embedding && !loss && !own)) return;
  std::vector<std::int64_t> of_chunk;
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    for (std::size_t stage = 0; stage < of_stage.size(); ++stage) {
      // The end that counts for a layer makes its own chunk lighter.
      const bool front = embedding && !own && stage == 0;
      const bool back = loss && !own && stage + 1 == of_stage.size();
      const std::int64_t shared = of_stage[stage] + (front ? 1 : 0) + (back ? 1 : 0);
      if (shared % chunks != 0) {
        draft.fault(
            args.at("--num-virtual-stages-per-pipeline-rank"),
            fmt::format("{} layers of a stage do not divide into {} chunks", shared, chunks),
            "other chunks");
        return;
      }
      of_chunk.push_back(shared / chunks - (front && chunk == 0 ? 1 : 0) -
                         (back && chunk + 1 == chunks ? 1 : 0));
    }
  }
  draft.set(
      "strategy.pp_layout.stages", fmt::format("[{}]", fmt::join(of_chunk, ", ")),
      args.at(own ? "--decoder-last-pipeline-num-layers" : "--account-for-loss-in-pipeline-split"));
}

}  // namespace

void draft_megatron_pipeline(ImportDraft& draft, MegatronArguments& args, std::int64_t layers,
                             std::int64_t stages) {
  if (args.has("--no-overlap-p2p-communication") && stages > 1) {
    draft.set("strategy.overlap.p2p", false, args.at("--no-overlap-p2p-communication"));
  }
  if (stages == 1 || layers == 0 || stages > layers + 2) {
    if (stages > layers + 2 && layers > 0) {
      draft.fault(args.at("--pipeline-model-parallel-size"),
                  fmt::format("{} layers are too few for {} stages", layers, stages),
                  "fewer stages");
    }
    return;
  }
  const std::string group = "--microbatch-group-size-per-virtual-pipeline-stage";
  if (const auto size = args.count(group))
    draft.set("strategy.micro_batch_group", *size, args.at(group));
  if (const auto text = args.text("--pipeline-model-parallel-layout")) {
    for (const char* other :
         {"--num-virtual-stages-per-pipeline-rank", "--num-layers-per-virtual-pipeline-stage"}) {
      if (!args.has(other)) continue;
      draft.fault(args.at(other),
                  fmt::format("{} and --pipeline-model-parallel-layout exclude each other", other),
                  "one of them");
    }
    return draft.set("strategy.pp_layout.layout", yaml_quoted(*text),
                     args.at("--pipeline-model-parallel-layout"));
  }
  const std::int64_t shared = layers +
                              (args.has("--account-for-embedding-in-pipeline-split") ? 1 : 0) +
                              (args.has("--account-for-loss-in-pipeline-split") ? 1 : 0);
  const std::int64_t chunks = chunks_of(draft, args, shared, stages);
  if (chunks == 0) return;
  if (chunks > 1) {
    draft.set("strategy.vpp", chunks,
              args.at(args.has("--num-virtual-stages-per-pipeline-rank")
                          ? "--num-virtual-stages-per-pipeline-rank"
                          : "--num-layers-per-virtual-pipeline-stage"));
  }
  layout(draft, args, layers, stages, chunks);
}

}  // namespace formats
