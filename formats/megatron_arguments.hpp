// The arguments of Megatron-LM's pretrain_gpt.py in a shell script or a plain text.
// Names, defaults and rules: megatron/training/arguments.py of NVIDIA/Megatron-LM.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/import_draft.hpp"

namespace formats {

// What is known of an argument that the importer does not ask for.
enum class MegatronRole : std::uint8_t {
  without_effect,  // on a step's time and memory as far as they are modelled: paths, rates, seeds
  without_counterpart,  // it may matter, and no scenario key says it
  unknown
};
MegatronRole megatron_role(std::string_view name);

// The arguments that the importer asks for.
std::span<const std::string_view> megatron_mapped();

class MegatronArguments {
 public:
  explicit MegatronArguments(ImportDraft& draft);

  bool none() const { return given_.empty(); }
  bool has(const std::string& name) { return find(name) != nullptr; }
  Place at(const std::string& name) const;

  // The first value, where there is one. What is no such value is a fault.
  std::optional<std::int64_t> count(const std::string& name, std::int64_t least = 1);
  std::int64_t count_or(const std::string& name, std::int64_t otherwise);
  std::optional<double> number(const std::string& name);
  std::optional<std::string> text(const std::string& name);
  std::string choice(const std::string& name, std::string otherwise,
                     const std::vector<std::string>& choices);
  std::vector<std::string> texts(const std::string& name);

  // GPUs by the launcher's processes a node and nodes; 0 = not said. `at` is where.
  std::int64_t launched(Place& at);
  std::int64_t processes_per_node();

  // Notes on arguments that nobody asked for.
  void note_rest();

 private:
  struct Value {
    std::string text;
    Place at;
  };
  struct Given {
    Place at;
    std::vector<Value> values;
  };

  Given* find(const std::string& name);
  const Value* value(const std::string& name);
  void take(std::span<const struct ShellWord> words);

  ImportDraft& draft_;
  std::map<std::string, Given> given_;
  std::set<std::string> asked_;
  std::map<std::size_t, std::string> unset_;  // by line
};

}  // namespace formats
