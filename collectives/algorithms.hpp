// The algorithms of the table in registry.cpp, one file each.
#pragma once

#include <vector>

#include "collectives/collective.hpp"

namespace collectives {

bool ring_applies(Kind kind, const GroupShape& shape);
Schedule ring_schedule(Kind kind, const GroupShape& shape);
std::vector<Edge> ring_traffic(Kind kind, const GroupShape& shape, sim::Bytes bytes);

bool tree_applies(Kind kind, const GroupShape& shape);
Schedule tree_schedule(Kind kind, const GroupShape& shape);
std::vector<Edge> tree_traffic(Kind kind, const GroupShape& shape, sim::Bytes bytes);

bool halving_doubling_applies(Kind kind, const GroupShape& shape);
Schedule halving_doubling_schedule(Kind kind, const GroupShape& shape);
std::vector<Edge> halving_doubling_traffic(Kind kind, const GroupShape& shape, sim::Bytes bytes);

bool hierarchical_applies(Kind kind, const GroupShape& shape);
Schedule hierarchical_schedule(Kind kind, const GroupShape& shape);
std::vector<Edge> hierarchical_traffic(Kind kind, const GroupShape& shape, sim::Bytes bytes);

bool direct_applies(Kind kind, const GroupShape& shape);
Schedule direct_schedule(Kind kind, const GroupShape& shape);
std::vector<Edge> direct_traffic(Kind kind, const GroupShape& shape, sim::Bytes bytes);

bool nvls_applies(Kind kind, const GroupShape& shape);
Schedule nvls_schedule(Kind kind, const GroupShape& shape);
std::vector<Edge> nvls_traffic(Kind kind, const GroupShape& shape, sim::Bytes bytes);

bool nvls_tree_applies(Kind kind, const GroupShape& shape);
Schedule nvls_tree_schedule(Kind kind, const GroupShape& shape);
std::vector<Edge> nvls_tree_traffic(Kind kind, const GroupShape& shape, sim::Bytes bytes);

}  // namespace collectives
