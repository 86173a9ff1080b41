#include "formats/megatron_arguments.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "formats/benchmark_text.hpp"
#include "formats/shell_words.hpp"
#include "scenarios/source.hpp"

namespace formats {
namespace {

// torchrun and torch.distributed.launch take both spellings.
std::string launcher_name(std::string name) {
  if (name.starts_with("--nproc") || name.starts_with("--nnodes") || name.starts_with("--node")) {
    std::replace(name.begin(), name.end(), '_', '-');
  }
  return name;
}

bool is_mapped(std::string_view name) {
  const auto mapped = megatron_mapped();
  return std::find(mapped.begin(), mapped.end(), name) != mapped.end();
}

bool is_known(std::string_view name) {
  return is_mapped(name) || megatron_role(name) != MegatronRole::unknown;
}

std::string_view name_of(std::string_view word) { return word.substr(0, word.find('=')); }

}  // namespace

MegatronArguments::MegatronArguments(ImportDraft& draft) : draft_(draft) {
  const ShellScript script = read_shell(draft.request().text);
  for (const ShellUnset& unset : script.unset) {
    unset_.try_emplace(draft.place(unset.offset).line, unset.name);
  }
  std::vector<ShellWord> command;
  for (const ShellWord& word : script.words) {
    if (!word.ends_command) {
      command.push_back(word);
      continue;
    }
    take(command);
    command.clear();
  }
  if (given_.empty()) take(script.held);
  if (script.conditional != std::string::npos && !given_.empty()) {
    draft_.note(draft.place(script.conditional),
                "conditions are not evaluated: of several values the last counts");
  }
}

// The words of one command, where it takes any argument that is known.
void MegatronArguments::take(std::span<const ShellWord> words) {
  const bool concerned = std::any_of(words.begin(), words.end(), [](const ShellWord& word) {
    return word.text.starts_with("--") && is_known(launcher_name(std::string(name_of(word.text))));
  });
  if (!concerned) return;
  Given* last = nullptr;
  for (const ShellWord& word : words) {
    const Place at = draft_.place(word.offset);
    if (!word.text.starts_with("--") || word.text.size() == 2) {
      if (last != nullptr) last->values.push_back({word.text, at});
      continue;
    }
    const std::string_view name = name_of(word.text);
    last = &given_[launcher_name(std::string(name))];
    *last = {at, {}};
    if (name.size() < word.text.size()) {
      last->values.push_back({word.text.substr(name.size() + 1), at});
    }
  }
}

MegatronArguments::Given* MegatronArguments::find(const std::string& name) {
  asked_.insert(name);
  const auto at = given_.find(name);
  return at == given_.end() ? nullptr : &at->second;
}

Place MegatronArguments::at(const std::string& name) const {
  const auto given = given_.find(name);
  if (given == given_.end()) return {};
  return given->second.values.empty() ? given->second.at : given->second.values.front().at;
}

const MegatronArguments::Value* MegatronArguments::value(const std::string& name) {
  const Given* given = find(name);
  if (given == nullptr) return nullptr;
  if (!given->values.empty()) return &given->values.front();
  const auto unset = unset_.find(given->at.line);
  draft_.fault(given->at, fmt::format("{} has no value", name),
               unset == unset_.end()
                   ? std::string("write the value behind it")
                   : fmt::format("{} is not set in this file: set it there, or write the value",
                                 unset->second));
  return nullptr;
}

std::optional<std::int64_t> MegatronArguments::count(const std::string& name, std::int64_t least) {
  const Value* given = value(name);
  if (given == nullptr) return std::nullopt;
  const auto number = count_of(given->text);
  if (number && *number >= least && *number <= std::int64_t{1} << 30) return number;
  draft_.fault(given->at, fmt::format("{} takes a whole number, found '{}'", name, given->text),
               fmt::format("{} or more", least));
  return std::nullopt;
}

std::int64_t MegatronArguments::count_or(const std::string& name, std::int64_t otherwise) {
  return count(name).value_or(otherwise);
}

std::optional<double> MegatronArguments::number(const std::string& name) {
  const Value* given = value(name);
  if (given == nullptr) return std::nullopt;
  const auto read = number_of(given->text);
  if (!read || *read < 0.0) {
    draft_.fault(given->at, fmt::format("{} takes a number, found '{}'", name, given->text));
    return std::nullopt;
  }
  return read;
}

std::optional<std::string> MegatronArguments::text(const std::string& name) {
  const Value* given = value(name);
  return given == nullptr ? std::nullopt : std::optional(given->text);
}

std::string MegatronArguments::choice(const std::string& name, std::string otherwise,
                                      const std::vector<std::string>& choices) {
  const Value* given = value(name);
  if (given == nullptr) return otherwise;
  if (std::find(choices.begin(), choices.end(), given->text) != choices.end()) return given->text;
  draft_.fault(given->at, fmt::format("{} has no choice '{}'", name, given->text),
               fmt::format("one of: {}", fmt::join(choices, ", ")));
  return otherwise;
}

std::vector<std::string> MegatronArguments::texts(const std::string& name) {
  std::vector<std::string> out;
  if (value(name) == nullptr) return out;
  for (const Value& one : find(name)->values) out.push_back(one.text);
  return out;
}

std::int64_t MegatronArguments::processes_per_node() {
  return has("--nproc-per-node") ? count_of(text("--nproc-per-node").value_or("")).value_or(0) : 0;
}

std::int64_t MegatronArguments::launched(Place& where) {
  const std::int64_t processes = processes_per_node();
  std::int64_t nodes = 1;
  if (has("--nnodes")) {
    // Elastic: least:most.
    const std::string range = text("--nnodes").value_or("");
    nodes = count_of(std::string_view(range).substr(range.find(':') + 1)).value_or(0);
  }
  where = at("--nproc-per-node");
  constexpr std::int64_t most = std::int64_t{1} << 20;
  const bool sane = processes > 0 && nodes > 0 && processes <= most && nodes <= most;
  return sane ? processes * nodes : 0;
}

void MegatronArguments::note_rest() {
  const auto mapped = megatron_mapped();
  for (const auto& [name, given] : given_) {
    if (asked_.contains(name)) continue;
    const MegatronRole role = megatron_role(name);
    if (role == MegatronRole::without_effect) continue;
    if (is_mapped(name)) {
      draft_.note(given.at, fmt::format("{} has no effect beside the other arguments", name));
    } else if (role == MegatronRole::without_counterpart) {
      draft_.note(given.at, fmt::format("{} has no counterpart in a scenario", name));
    } else {
      const std::string near =
          scenarios::nearest(name, std::vector<std::string>(mapped.begin(), mapped.end()));
      draft_.note(given.at,
                  fmt::format("{} is not known here{}", name,
                              near.empty() ? "" : fmt::format("; did you mean {}?", near)));
    }
  }
}

}  // namespace formats
