// Helpers that every algorithm shares: a group sorted by domain, even splits, sums of traffic.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "collectives/collective.hpp"
#include "sim/units.hpp"

namespace collectives {

// Members grouped by domain (in order of first appearance), inside a domain by local index, as
// communication libraries order them whatever the rank order is.
struct Layout {
  std::vector<std::uint32_t> member;
  std::vector<std::uint32_t> begin;  // per domain, and the end

  std::uint32_t size() const { return static_cast<std::uint32_t>(member.size()); }
  std::uint32_t domains() const { return static_cast<std::uint32_t>(begin.size() - 1); }
  std::uint32_t count(std::uint32_t domain) const { return begin[domain + 1] - begin[domain]; }
  // The j-th member of a domain, counted modulo its members.
  std::uint32_t at(std::uint32_t domain, std::uint32_t j) const {
    return member[begin[domain] + j % count(domain)];
  }
  std::uint32_t max_count() const;
  bool uniform() const;  // as many members in every domain
};

Layout lay_out(const GroupShape& shape);

// Part `index` of `bytes` split evenly in `parts`; the first bytes % parts parts are one larger.
inline sim::Bytes part_of(sim::Bytes bytes, std::uint32_t parts, std::uint32_t index) {
  const std::int64_t extra = bytes.count() % parts;
  return sim::Bytes{bytes.count() / parts + (index < extra ? 1 : 0)};
}
// Parts [first, first + count) together.
sim::Bytes parts_of(sim::Bytes bytes, std::uint32_t parts, std::uint32_t first,
                    std::uint32_t count);

// Adds up bytes per (from, to). Members have few partners, so a linear search per member is best.
class TrafficSum {
 public:
  explicit TrafficSum(std::size_t members) : out_(members) {}
  void add(std::uint32_t from, std::uint32_t to, sim::Bytes bytes);
  std::vector<Edge> edges() const;

 private:
  std::vector<std::vector<std::pair<std::uint32_t, sim::Bytes>>> out_;
};

inline bool is_power_of_two(std::size_t n) { return n > 0 && (n & (n - 1)) == 0; }

}  // namespace collectives
