#include "collectives/group_facts.hpp"

#include <algorithm>
#include <vector>

namespace collectives {
namespace {

// REQUIRES: equal domains are adjacent.
GroupFacts count_runs(const std::vector<std::uint32_t>& domain) {
  GroupFacts facts;
  facts.members = static_cast<std::uint32_t>(domain.size());
  facts.least = facts.members;
  for (std::size_t begin = 0; begin < domain.size();) {
    std::size_t end = begin + 1;
    while (end < domain.size() && domain[end] == domain[begin]) ++end;
    const auto count = static_cast<std::uint32_t>(end - begin);
    facts.most = std::max(facts.most, count);
    facts.least = std::min(facts.least, count);
    ++facts.domains;
    begin = end;
  }
  return facts;
}

}  // namespace

GroupFacts group_facts(const GroupShape& shape) {
  if (std::is_sorted(shape.domain.begin(), shape.domain.end())) return count_runs(shape.domain);
  std::vector<std::uint32_t> sorted = shape.domain;
  std::sort(sorted.begin(), sorted.end());
  return count_runs(sorted);
}

}  // namespace collectives
