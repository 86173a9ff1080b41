// Group shapes that the tests of this folder run through.
#pragma once

#include <cstdint>
#include <vector>

#include "collectives/collective.hpp"

namespace collectives_test {

// Members domain by domain, `counts[d]` of them in domain d.
inline collectives::GroupShape blocks(const std::vector<std::uint32_t>& counts) {
  collectives::GroupShape shape;
  for (std::uint32_t d = 0; d < counts.size(); ++d) {
    for (std::uint32_t j = 0; j < counts[d]; ++j) {
      shape.domain.push_back(d);
      shape.local.push_back(j);
    }
  }
  return shape;
}

inline collectives::GroupShape grid(std::uint32_t domains, std::uint32_t per_domain) {
  return blocks(std::vector<std::uint32_t>(domains, per_domain));
}

// The same members dealt round robin: neighbours in the list are in different domains.
inline collectives::GroupShape dealt(std::uint32_t domains, std::uint32_t per_domain) {
  collectives::GroupShape shape;
  for (std::uint32_t j = 0; j < per_domain; ++j) {
    for (std::uint32_t d = 0; d < domains; ++d) {
      shape.domain.push_back(10 * (domains - d));
      shape.local.push_back(per_domain - 1 - j);
    }
  }
  return shape;
}

inline std::vector<collectives::GroupShape> all_shapes() {
  std::vector<collectives::GroupShape> shapes;
  for (std::uint32_t n = 1; n <= 17; ++n) {
    shapes.push_back(grid(1, n));
    shapes.push_back(grid(n, 1));
  }
  for (std::uint32_t domains = 2; domains <= 7; ++domains) {
    for (std::uint32_t p = 2; p <= 4; ++p) shapes.push_back(grid(domains, p));
  }
  shapes.push_back(grid(3, 8));
  shapes.push_back(dealt(2, 4));
  shapes.push_back(dealt(3, 3));
  shapes.push_back(dealt(4, 2));
  shapes.push_back(blocks({3, 1}));
  shapes.push_back(blocks({1, 4}));
  shapes.push_back(blocks({4, 2, 3}));
  shapes.push_back(blocks({1, 1, 5, 2}));
  return shapes;
}

inline constexpr collectives::Kind kKinds[] = {
    collectives::Kind::all_reduce, collectives::Kind::all_gather, collectives::Kind::reduce_scatter,
    collectives::Kind::all_to_all, collectives::Kind::broadcast,  collectives::Kind::send_recv};

}  // namespace collectives_test
