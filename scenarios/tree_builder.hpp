// Parser events -> Node tree, with the bounds of yaml_parser.hpp. Private to the parser.
#pragma once

#include <cstddef>
#include <cstdint>

#include "scenarios/node.hpp"
#include "scenarios/source.hpp"

namespace scenarios {

// Of the text of sources[source] from byte `offset` on. Throws ScenarioError.
Node parse_text(const Sources& sources, std::uint32_t source, std::size_t offset);

}  // namespace scenarios
