// A scenario through an export, for tests; and scenarios that are drawn for it.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "formats/format.hpp"
#include "models/operators.hpp"
#include "scenarios/reader.hpp"
#include "tests/draw.hpp"

namespace tests {

struct Exported {
  std::string text;
  std::string notes;           // one a line
  std::set<std::string> keys;  // that the notes begin with
};

inline Exported exported(std::vector<formats::Note> (*write)(const scenarios::Scenario&,
                                                             const formats::FileSink&),
                         const scenarios::Scenario& scenario) {
  Exported out;
  const auto take = [&](const std::string&, std::string text) { out.text = std::move(text); };
  for (const formats::Note& note : write(scenario, take)) {
    out.notes += note.text + "\n";
    out.keys.insert(note.text.substr(0, note.text.find(": ")));
  }
  return out;
}

// The model under a strategy of Megatron-Core, or nothing where the strategy cannot be.
inline std::optional<scenarios::Scenario> drawn_scenario(Draw& draw, const std::string& name,
                                                         const models::Model& model) {
  const bool experts = model.transformer()->moe.has_value();
  for (int attempt = 0; attempt < 20; ++attempt) {
    std::string text = "model: " + name + "\ncluster: {preset: dgx-h100, gpus: 64}\n";
    text += "training:\n  seq_len: " + draw.of({"1024", "2048"}) +
            "\n  micro_batch: " + draw.of({"1", "2"}) +
            "\n  global_batch: 512\n  precision: " + draw.of({"bf16", "fp8", "fp16"}) +
            "\n  grad_dtype: " + draw.of({"fp32", "bf16"}) + "\n  recompute: " +
            draw.of({"none", "full", "selective", "{layers: 1}", "{every: 2}",
                     "{modules: [layernorm, mlp]}"}) +
            "\n  optimizer: " + draw.of({"adamw", "sgd", "sgd-momentum", "lion"}) +
            "\n  attention: " + draw.of({"flash", "math"}) + "\n";
    const std::string tp = draw.of({"1", "2", "4"});
    text += "strategy:\n  tp: " + tp + "\n  sequence_parallel: " + (tp == "1" ? "false" : "true") +
            "\n  cp: " + draw.of({"1", "2"}) +
            "\n  cp_type: " + draw.of({"ring", "allgather", "ulysses"}) +
            "\n  zero: " + draw.of({"0", "1", "2", "3"}) + "\n  pp: " + draw.of({"1", "2", "4"}) +
            "\n  vpp: " + draw.of({"1", "2"}) + "\n";
    const std::string beside = draw.of({"true", "false"});
    text += "  overlap: {grad_reduce: " + beside + ", param_gather: " + beside +
            ", p2p: " + draw.of({"true", "false"}) + "}\n";
    if (experts) {
      text += "  ep: " + draw.of({"1", "2", "4"}) +
              "\n  ep_dispatch: " + draw.of({"alltoall", "allgather", "node_limited"}) + "\n";
    }
    try {
      return scenarios::read_scenario_text(text, "drawn");
    } catch (const scenarios::ScenarioError&) {
    }
  }
  return std::nullopt;
}

}  // namespace tests
