// The tables of what a cluster can be made of. A new family is one file and one line in
// registry.cpp; the spec gets an enumerator for it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "topologies/assembly.hpp"

namespace topologies {

// How devices of one domain are wired to each other.
struct IntraFamily {
  IntraType type;
  std::string_view name;
  std::string_view summary;
  void (*build)(Assembly& assembly);
  // Appends sentences on what it cannot build. Called with positive counts.
  void (*check)(const ClusterSpec& spec, std::vector<std::string>& problems);
};

// How servers are wired to each other (or, for a torus, all devices).
struct FabricFamily {
  FabricShape shape;
  std::string_view name;
  std::string_view summary;
  void (*build)(Assembly& assembly);
  void (*check)(const ClusterSpec& spec, std::vector<std::string>& problems);
};

std::span<const IntraFamily> intra_families();
std::span<const FabricFamily> fabric_families();
const IntraFamily& family_of(IntraType type);
const FabricFamily& family_of(FabricShape shape);

}  // namespace topologies
