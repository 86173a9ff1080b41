// The declarative table of scenario keys. From it come reading, provenance, the JSON Schema and the
// reference. A row binds a dotted key to a member of a struct; the member's type decides how the
// value is read and printed.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "scenarios/convert.hpp"
#include "scenarios/draft.hpp"
#include "scenarios/key_info.hpp"

namespace scenarios {

template <class T>
struct Key {
  KeyInfo info;
  // Reads the node into the member; reports what is wrong. False = nothing was stored.
  bool (*store)(const Node& node, const KeyInfo& info, ReadContext& context, T& out);
  // As YAML writes it; nothing when the value does not exist (e.g. a key of an absent `moe`).
  std::optional<std::string> (*print)(const T& in, const KeyInfo& info);
};

template <class M>
struct is_optional : std::false_type {};
template <class M>
struct is_optional<std::optional<M>> : std::true_type {};

// Follows member pointers; optional members on the way come into being when written.
template <class T>
T* reach(T& object) {
  return &object;
}
template <auto First, auto... Rest, class T>
auto* reach(T& object) {
  auto& member = object.*First;
  using Member = std::remove_cvref_t<decltype(member)>;
  if constexpr (is_optional<Member>::value) {
    if constexpr (std::is_const_v<T>) {
      using Result = decltype(reach<Rest...>(*member));
      return member ? reach<Rest...>(*member) : Result{nullptr};
    } else {
      if (!member) member.emplace();
      return reach<Rest...>(*member);
    }
  } else {
    return reach<Rest...>(member);
  }
}

// A row for the member reached through Path.
template <class T, auto... Path>
constexpr Key<T> key(std::string_view path, std::string_view fallback, std::string_view doc,
                     Range range = {}, Dimension dimension = Dimension::none) {
  using Member = std::remove_pointer_t<decltype(reach<Path...>(std::declval<T&>()))>;
  KeyInfo info{path,
               fallback,
               doc,
               range,
               value_type<Member>(dimension),
               value_dimension<Member>(dimension),
               value_choices<Member>()};
  return {info,
          [](const Node& node, const KeyInfo& row, ReadContext& context, T& out) {
            Member value{};
            if (!convert(node, row, context, value)) return false;
            *reach<Path...>(out) = std::move(value);
            return true;
          },
          [](const T& in, const KeyInfo& row) -> std::optional<std::string> {
            const auto* member = reach<Path...>(in);
            if (member == nullptr) return std::nullopt;
            return print_value(*member, row);
          }};
}

// Reads a mapping by a table. `prefix` is its dotted path with a trailing dot, or empty. Keys that
// were stored are added to `given` (when not null).
template <class T>
void read_mapping(const Node& node, const std::string& prefix, std::span<const Key<T>> table,
                  ReadContext& context, T& out, std::map<std::string, Position>* given) {
  for (const Entry& entry : node.entries) {
    const std::string path = prefix + entry.key;
    const auto row = std::find_if(table.begin(), table.end(),
                                  [&](const Key<T>& k) { return k.info.path == path; });
    const bool group = std::any_of(table.begin(), table.end(), [&](const Key<T>& k) {
      return k.info.path.size() > path.size() && k.info.path.starts_with(path) &&
             k.info.path[path.size()] == '.';
    });
    if (group && (entry.value.is_mapping() || entry.value.is_null())) {
      read_mapping(entry.value, path + ".", table, context, out, given);
    } else if (row != table.end()) {
      if (row->store(entry.value, row->info, context, out) && given != nullptr) {
        given->insert_or_assign(path, entry.value.at);
      }
    } else if (group) {
      context.diagnostics.error(
          entry.value.at, path,
          fmt::format("`{}` must be a mapping, found {}", path, describe(entry.value)));
    } else {
      std::vector<KeyInfo> infos;
      for (const Key<T>& k : table) infos.push_back(k.info);
      report_unknown_key(entry, prefix, infos, context);
    }
  }
}

// All keys of a scenario, in the order of the reference.
std::span<const Key<Draft>> scenario_keys();
// The keys of one entry of a `blocks:` list and of its operators.
std::span<const Key<BlockDraft>> block_keys();
std::span<const Key<models::ListedOperator>> operator_keys();
// Of one entry of faults.slow_ranks and faults.slow_links.
std::span<const Key<strategies::Faults::SlowRank>> slow_rank_keys();
std::span<const Key<strategies::Faults::SlowLink>> slow_link_keys();

// Parts of scenario_keys(), one a file.
std::span<const Key<Draft>> model_keys();
std::span<const Key<Draft>> cluster_keys();
std::span<const Key<Draft>> device_keys();
std::span<const Key<Draft>> training_keys();
std::span<const Key<Draft>> strategy_keys();
std::span<const Key<Draft>> implementation_keys();
std::span<const Key<Draft>> other_keys();

}  // namespace scenarios
