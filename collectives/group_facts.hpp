// The few numbers about a group that its price depends on.
#pragma once

#include <cstdint>

#include "collectives/collective.hpp"

namespace collectives {

struct GroupFacts {
  std::uint32_t members = 0;
  std::uint32_t domains = 0;
  std::uint32_t most = 0;   // members in the fullest domain
  std::uint32_t least = 0;  // members in the emptiest domain of the group

  bool one_domain() const { return domains <= 1; }
  bool uniform() const { return most == least; }
};

// Linear in the members when they are listed domain by domain, else n log n.
GroupFacts group_facts(const GroupShape& shape);

}  // namespace collectives
