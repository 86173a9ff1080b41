// Rows of the tables of dimensions, for keys that are members of the plan. Internal to the tables.
#pragma once

#include <cmath>

#include "studies/search_space.hpp"

namespace studies {

using scenarios::Scenario;
using Values = std::vector<std::int64_t>;

inline bool always(const Scenario&) { return true; }
inline Values both(const Scenario&) { return {1, 0}; }

template <auto Member>
std::int64_t get_plan(const Scenario& s) {
  return static_cast<std::int64_t>(s.plan.*Member);
}
template <auto Member>
void set_plan(Scenario& s, std::int64_t value) {
  using Type = std::remove_reference_t<decltype(s.plan.*Member)>;
  s.plan.*Member = static_cast<Type>(value);
}
template <auto Member>
std::int64_t get_overlap(const Scenario& s) {
  return s.plan.overlap.*Member ? 1 : 0;
}
template <auto Member>
void set_overlap(Scenario& s, std::int64_t value) {
  s.plan.overlap.*Member = value != 0;
}

template <auto Member>
SearchDimension plan_row(const char* path, Values (*defaults)(const Scenario&),
                         bool (*matters)(const Scenario&)) {
  return {path, &get_plan<Member>, &set_plan<Member>, defaults, matters, {}, {}};
}
inline bool has_host_links(const Scenario& s) {
  return s.cluster.pcie_bandwidth.bytes_per_second() > 0.0;
}
// All of it on the device, or all in host memory; in parts this small. A number of layers is
// rounded to one.
inline constexpr std::int64_t kWhole = 1'000'000'000;
inline Values nothing_or_all(const Scenario& s) {
  if (!has_host_links(s)) return {0};
  return {0, kWhole};
}

template <auto Member>
std::int64_t get_offload(const Scenario& s) {
  return std::llround(s.plan.offload.*Member * static_cast<double>(kWhole));
}
template <auto Member>
void set_offload(Scenario& s, std::int64_t value) {
  s.plan.offload.*Member = static_cast<double>(value) / static_cast<double>(kWhole);
}
template <auto Member>
SearchDimension offload_row(const char* path) {
  return {path, &get_offload<Member>, &set_offload<Member>, &nothing_or_all, &always, {}, {}};
}
template <auto Member>
SearchDimension overlap_row(const char* path, bool (*matters)(const Scenario&)) {
  return {path, &get_overlap<Member>, &set_overlap<Member>, &both, matters, {}, {}};
}

}  // namespace studies
