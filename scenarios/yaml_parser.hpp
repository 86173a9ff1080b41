// YAML text -> Node, with the guards that yaml-cpp 0.7 lacks: one document whose root is a mapping,
// UTF-8, no tabs for indentation, no duplicate or merge keys, bounded depth, size and alias
// expansion. Positions are exact (1-based, code points). Throws ScenarioError.
#pragma once

#include "scenarios/node.hpp"
#include "scenarios/source.hpp"

namespace scenarios {

inline constexpr std::size_t kMaxDepth = 64;
inline constexpr std::size_t kMaxNodes = 1'000'000;
inline constexpr std::size_t kMaxKeysOfMapping = 4096;

// The text of sources[source], whose root must be a mapping.
Node parse_document(const Sources& sources, std::uint32_t source);

// A value as the command line gives it: any YAML scalar or flow collection. `offset` is where it
// starts inside the text of the source.
Node parse_value(const Sources& sources, std::uint32_t source, std::size_t offset);

}  // namespace scenarios
