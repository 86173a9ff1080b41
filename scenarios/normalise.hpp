// One spelling for everything, before layers (catalogue, extends, file, strategies, --set) merge.
#pragma once

#include "scenarios/node.hpp"
#include "scenarios/source.hpp"

namespace scenarios {

// Renames aliases to the keys they stand for (both in one layer: an error), and turns names into
// mappings: `model: X` -> {base: X}, `cluster: X` -> {preset: X}, `cluster.device: X` -> {base: X},
// `implementation: X` -> {base: X}.
void normalise(Node& root, const Sources& sources, Diagnostics& diagnostics);

}  // namespace scenarios
