// docs/scenario-reference.md, from the table of keys.
#include <fmt/core.h>

#include <cmath>

#include "scenarios/calibration.hpp"
#include "scenarios/keys.hpp"
#include "scenarios/quantity.hpp"

namespace scenarios {
namespace {

constexpr std::string_view kIntroduction = R"(# Scenario reference

This page is made from the table of keys that the reader reads by (`scenarios/keys_*.cpp`); do not edit it.
Editors take the same table as a JSON Schema: `docs/scenario.schema.json`, or `stepcast schema`.

## The file

One YAML document of at most 8 MiB whose root is a mapping. `name`, `model`, `cluster`, `training`, `strategy` and
`implementation` say what is simulated; `strategies`, `search` and `faults` are for `compare`, `search` and
imperfect machines. Every key has a default but those marked *required*.

- `extends: other.yaml` starts from another scenario. The path is relative and stays beneath the folder of the file;
  at most 8 files deep. Mappings merge key by key, everything else is replaced.
- `strategies:` is a list of entries with a `name` and any keys from above, which override them.
- `--set dotted.key=value` overrides last; the value is YAML, e.g. `--set strategy.overlap='{tp: true}'`.
- `model: NAME`, `cluster: NAME`, `cluster.device: NAME` and `implementation: NAME` name catalogue entries
  (`stepcast list models|devices|clusters|profiles`). To change parts of one: `model: {base: llama3-8b, layers: 16}`,
  `cluster: {preset: dgx-h100, gpus: 64}`.
- Anchors and aliases work; merge keys (`<<`), tags and a second document do not. Top-level keys that
  begin with `x-` are ignored and may hold anchors; so is `$schema`.

## Values

- Whole numbers are decimal: `1024` or `1e3`; `010`, `0x10`, `1_000` and `"4"` are refused. Truth values are `true` and `false`.
- Quantities carry a unit, upper and lower case as written here:
  `400 Gb/s` or `400 Gbps` (bits), `50 GB/s` (bytes), `80 GiB` (2^30), `80 GB` (10^9), `2 us`, `1.5 ms`,
  `989 TFLOP/s`, `1830 MHz`, `700 W`, `2.5 USD/h`.
- Bandwidths are per device (inside a node) or per network port, in one direction.

What is wrong is reported with file, line and column, all independent faults at once (at most 20), each
with what would be right; unknown keys are faults. So are settings that could have no effect beside the model and the
other settings. A few are read where they apply and rest elsewhere, so that one file can be swept: what belongs to
a dimension of degree 1, `fp8_*` outside fp8 runs, `overlap.*` where nothing of its kind is sent, and keys of
`implementation` for other strategies than the one that runs.
)";

struct Section {
  std::string_view title;
  std::string_view text;
  std::span<const Key<Draft>> keys;
};

std::string range_text(const KeyInfo& info) {
  const auto show = [&](double value) { return print_quantity(value, info.dimension); };
  const Range& range = info.range;
  if (info.type == ValueType::text || !std::isfinite(range.min)) return "";
  if (!std::isfinite(range.max)) return fmt::format(", at least {}", show(range.min));
  return fmt::format(", {}{}{} to {}", range.or_zero ? "0 or " : "",
                     range.above_min ? "above " : "", show(range.min), show(range.max));
}

std::string choices_text(const KeyInfo& info) {
  std::string text;
  for (const std::string_view choice : info.choices) {
    text += fmt::format("{}`{}`", text.empty() ? "" : ", ", choice);
  }
  return text;
}

std::string quantity_name(Dimension dimension) {
  switch (dimension) {
    case Dimension::none:
      return "number";
    case Dimension::bytes:
      return "bytes";
    case Dimension::bandwidth:
      return "bandwidth";
    case Dimension::time:
      return "time";
    case Dimension::flop_rate:
      return "FLOP rate";
    case Dimension::frequency:
      return "frequency";
    case Dimension::power:
      return "power";
    case Dimension::price:
      return "price";
  }
  return "";
}

std::string type_text(const KeyInfo& info) {
  switch (info.type) {
    case ValueType::integer:
      return "whole number" + range_text(info);
    case ValueType::number:
    case ValueType::quantity:
      return quantity_name(info.dimension) + range_text(info);
    case ValueType::boolean:
      return "`true`, `false`";
    case ValueType::text:
      return "text";
    case ValueType::choice:
      return choices_text(info);
    case ValueType::integer_list:
      return "list of whole numbers" + range_text(info);
    case ValueType::text_list:
      return "list of texts";
    case ValueType::choice_list:
      return "list of " + choices_text(info);
    case ValueType::per_precision:
      return fmt::format("mapping precision: {}", quantity_name(info.dimension));
    case ValueType::list:
      return "list of mappings";
    case ValueType::free_mapping:
      return "mapping";
  }
  return "";
}

std::string other_spellings(std::string_view path) {
  std::string text;
  for (const Alias& alias : aliases()) {
    if (alias.path != path) continue;
    const std::string_view leaf = alias.spelling.substr(alias.spelling.rfind('.') + 1);
    text += fmt::format("{}`{}`", text.empty() ? " Also: " : ", ", leaf);
  }
  return text.empty() ? text : text + ".";
}

template <class T>
std::string table_text(std::span<const Key<T>> keys) {
  std::string text = "\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n";
  for (const Key<T>& key : keys) {
    text += fmt::format("| `{}` | {} | {} | {}{} |\n", key.info.path, type_text(key.info),
                        key.info.fallback, key.info.doc, other_spellings(key.info.path));
  }
  return text;
}

std::string lists_text() {
  std::string text = "\n### Operators of `model.blocks`\n\nA block:\n" + table_text(block_keys());
  text += "\nAn operator; sizes are per sample, the batch is the micro-batch:\n";
  text += table_text(operator_keys());
  text += "\n### Entries of `faults.slow_ranks` and `faults.slow_links`\n";
  text += table_text(slow_rank_keys()) + table_text(slow_link_keys());
  text += "\n### Calibration files\n\nA list `collectives` of measurements:\n";
  text += table_text(calibration_keys());
  text += "\nA list `fits`:\n" + table_text(fit_keys());
  text += "\nA segment of a fit:\n" + table_text(segment_keys());
  return text + "\nand a mapping `device` with the keys of `cluster.device`.\n";
}

}  // namespace

std::string scenario_reference() {
  const Section sections[] = {
      {"model", "A catalogue name, `{hf: config.json}`, or a shape.", model_keys()},
      {"cluster", "A catalogue name, or its parts.", cluster_keys()},
      {"cluster.device", "A catalogue name, or a data sheet.", device_keys()},
      {"training", "Batch, precision and what saves memory.", training_keys()},
      {"strategy", "How the job is spread: tp·cp·pp·dp = gpus.", strategy_keys()},
      {"implementation", "How a code base runs a strategy: a catalogue profile, or changes to one.",
       implementation_keys()},
      {"name, faults, search", "The rest.", other_keys()},
  };
  std::string text(kIntroduction);
  for (const Section& section : sections) {
    text += fmt::format("\n## {}\n\n{}\n", section.title, section.text);
    text += table_text(section.keys);
  }
  return text + "\n## Lists\n" + lists_text();
}

}  // namespace scenarios
