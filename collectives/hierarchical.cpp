// Hierarchical: reduce-scatter inside every domain, a ring between the members of equal local
// index, all-gather inside (BlueConnect, Cho et al., MLSys 2019). All-to-all: first inside the
// domain to the member on the rail of the destination, then along the rails, as NCCL's PXN does.
// Needs as many members in every domain. With N domains of p members, a member sends (p - 1) / p of
// the buffer inside and (N - 1) / (N p) between domains, per pass.
#include "collectives/algorithms.hpp"
#include "collectives/layout.hpp"

namespace collectives {
namespace {

// Ring passes inside all domains at once; the unit is the group of parts of one local index.
void inside_pass(const Layout& layout, bool reduce, Schedule& schedule) {
  const std::uint32_t p = layout.count(0);
  for (std::uint32_t t = 0; t + 1 < p; ++t) {
    std::vector<Send>& round = schedule.rounds.emplace_back();
    for (std::uint32_t d = 0; d < layout.domains(); ++d) {
      for (std::uint32_t j = 0; j < p; ++j) {
        const std::uint32_t group = j + 2 * p - t - (reduce ? 1 : 0);
        for (std::uint32_t k = 0; k < layout.domains(); ++k) {
          round.push_back({layout.at(d, j), layout.at(d, j + 1), layout.at(k, group), reduce});
        }
      }
    }
  }
}

void between_pass(const Layout& layout, bool reduce, Schedule& schedule) {
  const std::uint32_t domains = layout.domains();
  for (std::uint32_t t = 0; t + 1 < domains; ++t) {
    std::vector<Send>& round = schedule.rounds.emplace_back();
    for (std::uint32_t d = 0; d < domains; ++d) {
      const std::uint32_t next = (d + 1) % domains;
      const std::uint32_t part = (d + 2 * domains - t - (reduce ? 1 : 0)) % domains;
      for (std::uint32_t j = 0; j < layout.count(0); ++j) {
        round.push_back({layout.at(d, j), layout.at(next, j), layout.at(part, j), reduce});
      }
    }
  }
}

void all_to_all_inside(const Layout& layout, Schedule& schedule) {
  const std::uint32_t p = layout.count(0);
  for (std::uint32_t shift = 1; shift < p; ++shift) {
    std::vector<Send>& round = schedule.rounds.emplace_back();
    for (std::uint32_t d = 0; d < layout.domains(); ++d) {
      for (std::uint32_t j = 0; j < p; ++j) {
        const std::uint32_t from = layout.at(d, j);
        for (std::uint32_t k = 0; k < layout.domains(); ++k) {
          const std::uint32_t destination = layout.at(k, j + shift);
          round.push_back(
              {from, layout.at(d, j + shift), from * layout.size() + destination, false});
        }
      }
    }
  }
}

void all_to_all_between(const Layout& layout, Schedule& schedule) {
  const std::uint32_t p = layout.count(0);
  const std::uint32_t domains = layout.domains();
  for (std::uint32_t shift = 1; shift < domains; ++shift) {
    std::vector<Send>& round = schedule.rounds.emplace_back();
    for (std::uint32_t d = 0; d < domains; ++d) {
      for (std::uint32_t j = 0; j < p; ++j) {
        const std::uint32_t to = layout.at((d + shift) % domains, j);
        for (std::uint32_t i = 0; i < p; ++i) {
          round.push_back({layout.at(d, j), to, layout.at(d, i) * layout.size() + to, false});
        }
      }
    }
  }
}

// Bytes of the parts of all members with one local index.
std::vector<sim::Bytes> group_bytes(const Layout& layout, sim::Bytes bytes) {
  std::vector<sim::Bytes> groups(layout.count(0));
  for (std::uint32_t d = 0; d < layout.domains(); ++d) {
    for (std::uint32_t j = 0; j < layout.count(0); ++j) {
      groups[j] += part_of(bytes, layout.size(), layout.at(d, j));
    }
  }
  return groups;
}

std::vector<Edge> all_to_all_traffic(const Layout& layout, sim::Bytes bytes) {
  const std::uint32_t p = layout.count(0);
  const std::vector<sim::Bytes> groups = group_bytes(layout, bytes);
  std::vector<Edge> edges;
  edges.reserve(std::size_t{layout.size()} * (p + layout.domains() - 2));
  const auto add = [&](std::uint32_t from, std::uint32_t to, sim::Bytes amount) {
    if (amount.count() > 0) edges.push_back({from, to, amount});
  };
  for (std::uint32_t d = 0; d < layout.domains(); ++d) {
    for (std::uint32_t j = 0; j < p; ++j) {
      const std::uint32_t from = layout.at(d, j);
      for (std::uint32_t i = 1; i < p; ++i) add(from, layout.at(d, j + i), groups[(j + i) % p]);
      for (std::uint32_t k = 1; k < layout.domains(); ++k) {
        const std::uint32_t to = layout.at((d + k) % layout.domains(), j);
        add(from, to, part_of(bytes, layout.size(), to) * p);
      }
    }
  }
  return edges;
}

}  // namespace

bool hierarchical_applies(Kind kind, const GroupShape& shape) {
  return kind != Kind::broadcast && kind != Kind::send_recv && shape.size() > 0 &&
         lay_out(shape).uniform();
}

Schedule hierarchical_schedule(Kind kind, const GroupShape& shape) {
  const Layout layout = lay_out(shape);
  const std::uint32_t n = layout.size();
  Schedule schedule{kind, n, 0, kind == Kind::all_to_all ? n * n : n, {}};
  if (kind == Kind::all_to_all) {
    all_to_all_inside(layout, schedule);
    all_to_all_between(layout, schedule);
    return schedule;
  }
  if (kind != Kind::all_gather) {
    inside_pass(layout, true, schedule);
    between_pass(layout, true, schedule);
  }
  if (kind != Kind::reduce_scatter) {
    between_pass(layout, false, schedule);
    inside_pass(layout, false, schedule);
  }
  return schedule;
}

std::vector<Edge> hierarchical_traffic(Kind kind, const GroupShape& shape, sim::Bytes bytes) {
  const Layout layout = lay_out(shape);
  if (kind == Kind::all_to_all) return all_to_all_traffic(layout, bytes);
  const std::uint32_t p = layout.count(0);
  const std::vector<sim::Bytes> groups = group_bytes(layout, bytes);
  const bool reduces = kind != Kind::all_gather;
  const bool gathers = kind != Kind::reduce_scatter;
  TrafficSum sum(layout.size());
  for (std::uint32_t d = 0; d < layout.domains(); ++d) {
    for (std::uint32_t j = 0; j < p; ++j) {
      const std::uint32_t from = layout.at(d, j);
      const std::uint32_t beside = layout.at(d, j + 1);
      const std::uint32_t onward = layout.at((d + 1) % layout.domains(), j);
      if (reduces) {
        sum.add(from, beside, bytes - groups[j]);
        sum.add(from, onward, groups[j] - part_of(bytes, layout.size(), from));
      }
      if (gathers) {
        sum.add(from, beside, bytes - groups[(j + 1) % p]);
        sum.add(from, onward, groups[j] - part_of(bytes, layout.size(), onward));
      }
    }
  }
  return sum.edges();
}

}  // namespace collectives
