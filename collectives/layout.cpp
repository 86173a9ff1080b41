#include "collectives/layout.hpp"

#include <algorithm>
#include <numeric>

#include "sim/contracts.hpp"

namespace collectives {
namespace {

// Domain numbers replaced by their rank in order of first appearance.
std::vector<std::uint32_t> number_domains(const std::vector<std::uint32_t>& domain) {
  std::vector<std::uint32_t> by_value(domain.size());
  std::iota(by_value.begin(), by_value.end(), 0U);
  std::stable_sort(by_value.begin(), by_value.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return domain[a] < domain[b]; });
  std::vector<std::uint32_t> first(domain.size());  // per member: first member of its domain
  for (std::size_t i = 0; i < by_value.size(); ++i) {
    const bool same = i > 0 && domain[by_value[i]] == domain[by_value[i - 1]];
    first[by_value[i]] = same ? first[by_value[i - 1]] : by_value[i];
  }
  return first;
}

}  // namespace

std::uint32_t Layout::max_count() const {
  std::uint32_t most = 0;
  for (std::uint32_t d = 0; d < domains(); ++d) most = std::max(most, count(d));
  return most;
}

bool Layout::uniform() const {
  for (std::uint32_t d = 1; d < domains(); ++d) {
    if (count(d) != count(0)) return false;
  }
  return true;
}

Layout lay_out(const GroupShape& shape) {
  SIM_EXPECTS(shape.local.empty() || shape.local.size() == shape.size(),
              "a group needs a local index for every member");
  const std::vector<std::uint32_t> first = number_domains(shape.domain);
  Layout layout;
  layout.member.resize(shape.size());
  std::iota(layout.member.begin(), layout.member.end(), 0U);
  std::stable_sort(layout.member.begin(), layout.member.end(),
                   [&](std::uint32_t a, std::uint32_t b) {
                     if (first[a] != first[b] || shape.local.empty()) return first[a] < first[b];
                     return shape.local[a] < shape.local[b];
                   });
  for (std::uint32_t i = 0; i < layout.size(); ++i) {
    if (i == 0 || first[layout.member[i]] != first[layout.member[i - 1]]) layout.begin.push_back(i);
  }
  layout.begin.push_back(layout.size());
  return layout;
}

sim::Bytes parts_of(sim::Bytes bytes, std::uint32_t parts, std::uint32_t first,
                    std::uint32_t count) {
  const std::int64_t extra = bytes.count() % parts;
  const std::int64_t larger = std::clamp<std::int64_t>(extra - first, 0, count);
  return sim::Bytes{bytes.count() / parts * count + larger};
}

void TrafficSum::add(std::uint32_t from, std::uint32_t to, sim::Bytes bytes) {
  if (bytes.count() == 0 || from == to) return;
  for (auto& [partner, sum] : out_[from]) {
    if (partner == to) {
      sum += bytes;
      return;
    }
  }
  out_[from].emplace_back(to, bytes);
}

std::vector<Edge> TrafficSum::edges() const {
  std::vector<Edge> all;
  for (std::uint32_t from = 0; from < out_.size(); ++from) {
    for (const auto& [to, bytes] : out_[from]) all.push_back({from, to, bytes});
  }
  return all;
}

}  // namespace collectives
