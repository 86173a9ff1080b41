#include "formats/torchtitan_config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>

namespace formats {
namespace {

using namespace std::string_view_literals;
using Value = TorchtitanConfig::Value;
using Kind = TorchtitanConfig::Kind;

// What these say has no effect on a step as far as it is modelled. A name that ends in a dot is a
// whole section.
constexpr std::array kQuiet{"job."sv,
                            "profiling."sv,
                            "metrics."sv,
                            "lr_scheduler."sv,
                            "checkpoint."sv,
                            "comm."sv,
                            "memory_estimation."sv,
                            "validation."sv,
                            "debug."sv,
                            "model.tokenizer"sv,
                            "model.hf_assets_path"sv,
                            "model.print_after"sv,
                            "model.norm_type"sv,
                            "optimizer.lr"sv,
                            "optimizer.beta"sv,
                            "optimizer.eps"sv,
                            "optimizer.weight_decay"sv,
                            "training.dataset"sv,
                            "training.max_norm"sv,
                            "training.steps"sv,
                            "training.gc_"sv,
                            "training.seed"sv,
                            "training.deterministic"sv,
                            "training.warmup_steps"sv,
                            "training.mixed_precision_reduce"sv,
                            "training.data_parallel_type"sv,
                            "float8."sv,
                            "mx."sv,
                            "quantize."sv,
                            "activation_checkpoint.per_op"sv,
                            "parallelism.disable_loss_parallel"sv,
                            "compile.components"sv};

Place place(const toml::source_region& source) { return {source.begin.line, source.begin.column}; }

void flatten(const toml::table& table, const std::string& prefix,
             std::map<std::string, Value>& out) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    if (const toml::table* below = node.as_table()) {
      flatten(*below, name + ".", out);
      continue;
    }
    Value& value = out[name];
    value.at = place(node.source());
    if (const auto number = node.value_exact<std::int64_t>()) {
      value.kind = Kind::integer;
      value.number = *number;
      value.text = std::to_string(*number);
    } else if (const auto truth = node.value_exact<bool>()) {
      value.kind = Kind::boolean;
      value.number = *truth ? 1 : 0;
    } else if (const auto text = node.value_exact<std::string>()) {
      value.kind = Kind::text;
      value.text = *text;
    } else if (const toml::array* list = node.as_array()) {
      value.kind = Kind::list;
      for (const toml::node& item : *list) value.items.push_back(item.value_or(std::string()));
    }
  }
}

}  // namespace

TorchtitanConfig::TorchtitanConfig(ImportDraft& draft) : draft_(draft) {
  try {
    flatten(toml::parse(draft.request().text), "", values_);
  } catch (const toml::parse_error& error) {
    draft.fault(place(error.source()), std::string(error.description()), "a file in TOML");
    broken_ = true;
  }
}

const Value* TorchtitanConfig::find(Names names) {
  for (const char* name : names) asked_.insert(name);
  for (const char* name : names) {
    const auto found = values_.find(name);
    if (found != values_.end()) return &found->second;
  }
  return nullptr;
}

Place TorchtitanConfig::at(Names names) {
  const Value* value = find(names);
  return value == nullptr ? Place{} : value->at;
}

std::int64_t TorchtitanConfig::count(Names names, std::int64_t otherwise, bool open) {
  const Value* value = find(names);
  if (value == nullptr) return otherwise;
  const std::int64_t number = value->number;
  const bool good = (number >= 1 && number <= std::int64_t{1} << 30) || (open && number == -1);
  if (value->kind == Kind::integer && good) return number;
  draft_.fault(value->at, fmt::format("{} takes a whole number", *names.begin()),
               open ? "1 or more, or -1 for what is left" : "1 or more");
  return otherwise;
}

bool TorchtitanConfig::flag(Names names, bool otherwise) {
  const Value* value = find(names);
  if (value == nullptr) return otherwise;
  if (value->kind == Kind::boolean) return value->number != 0;
  draft_.fault(value->at, fmt::format("{} takes a truth value", *names.begin()), "true or false");
  return otherwise;
}

std::string TorchtitanConfig::text(Names names, std::string otherwise) {
  const Value* value = find(names);
  if (value == nullptr) return otherwise;
  if (value->kind == Kind::text || value->kind == Kind::integer) return value->text;
  draft_.fault(value->at, fmt::format("{} takes a text", *names.begin()), "in quotes");
  return otherwise;
}

std::string TorchtitanConfig::choice(Names names, const std::string& otherwise,
                                     const std::vector<std::string>& choices) {
  const std::string word = text(names, otherwise);
  if (std::find(choices.begin(), choices.end(), word) != choices.end()) return word;
  draft_.fault(at(names), fmt::format("{} has no choice '{}'", *names.begin(), word),
               fmt::format("one of: {}", fmt::join(choices, ", ")));
  return otherwise;
}

std::vector<std::string> TorchtitanConfig::words(Names names) {
  const Value* value = find(names);
  if (value == nullptr) return {};
  if (value->kind == Kind::list) return value->items;
  std::vector<std::string> out;
  std::string_view rest = value->text;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    out.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return out;
}

void TorchtitanConfig::note_rest() {
  for (const auto& [name, value] : values_) {
    const bool quiet = std::any_of(kQuiet.begin(), kQuiet.end(),
                                   [&](std::string_view start) { return name.starts_with(start); });
    if (quiet || asked_.contains(name)) continue;
    draft_.note(value.at, fmt::format("{} has no counterpart in a scenario", name));
  }
}

}  // namespace formats
