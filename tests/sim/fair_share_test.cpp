#include "sim/fair_share.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "oracle.hpp"
#include "random.hpp"

using sim::Bandwidth;
using sim::FairShare;
using sim::FlowClass;
using sim::FlowClassId;
using sim::Link;
using sim::LinkId;
using sim::LinkUse;
using sim::test::OracleFlow;
using sim::test::Random;

namespace {

using Links = sim::IdVector<LinkId, Link>;

Links links_of(const std::vector<double>& capacities) {
  Links links;
  for (const double capacity : capacities) links.push_back(Link{Bandwidth{capacity}, {}});
  return links;
}

Links random_links(Random& random, std::size_t count) {
  std::vector<double> capacities(count);
  for (double& capacity : capacities)
    capacity = random.one_in(2) ? 25e9 * static_cast<double>(random.between(1, 4))
                                : 1e9 + 99e9 * random.unit();
  return links_of(capacities);
}

OracleFlow random_flow(Random& random, std::size_t link_count) {
  std::vector<std::size_t> all(link_count);
  std::iota(all.begin(), all.end(), 0U);
  OracleFlow flow;
  for (std::size_t i = random.between(1, std::min<std::size_t>(4, link_count)); i > 0; --i) {
    const std::size_t pick = random.below(all.size());
    flow.uses.push_back({LinkId{all[pick]}, random.one_in(2) ? 1.0 : sim::dyadic(random.unit())});
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(pick));
  }
  if (random.one_in(4)) flow.cap = 1e9 * static_cast<double>(random.between(1, 30));
  return flow;
}

std::vector<FlowClass> classes_of(const std::vector<OracleFlow>& flows) {
  std::vector<FlowClass> classes;
  for (const OracleFlow& flow : flows) classes.push_back({flow.uses, flow.cap});
  return classes;
}

std::vector<double> rates_of(const Links& links, const std::vector<OracleFlow>& flows,
                             std::size_t scan_limit = 128) {
  const std::vector<FlowClass> classes = classes_of(flows);
  FairShare fair(links, classes);
  fair.set_scan_limit(scan_limit);
  for (std::size_t i = 0; i < flows.size(); ++i) fair.add(FlowClassId{i});
  fair.solve();
  fair.check_laws();
  std::vector<double> rates;
  for (std::size_t i = 0; i < flows.size(); ++i) rates.push_back(fair.rate(FlowClassId{i}));
  return rates;
}

}  // namespace

TEST_CASE("max-min shares of small networks are the textbook ones") {
  const LinkId a{0};
  const LinkId b{1};
  SECTION("k flows in one link") {
    CHECK(rates_of(links_of({12.0}), {{{{a}}}, {{{a}}}, {{{a}}}}) == std::vector{4.0, 4.0, 4.0});
  }
  SECTION("a long flow and two short ones") {
    CHECK(rates_of(links_of({1.0, 10.0}), {{{{a}, {b}}}, {{{a}}}, {{{b}}}}) ==
          std::vector{0.5, 0.5, 9.5});
  }
  SECTION("a cap leaves its rest to the others") {
    CHECK(rates_of(links_of({10.0}), {{{{a}}, 2.0}, {{{a}}}, {{{a}}}}) ==
          std::vector{2.0, 4.0, 4.0});
  }
  SECTION("a weight multiplies what a flow takes, not what it gets") {
    CHECK(rates_of(links_of({10.0}), {{{{a, 0.25}}}, {{{a, 1.0}}}}) == std::vector{8.0, 8.0});
  }
  SECTION("a lone flow gets its narrowest link") {
    CHECK(rates_of(links_of({8.0, 3.0}), {{{{a, 1.0}, {b, 0.5}}}}) == std::vector{6.0});
  }
  SECTION("raising one link changes who is served (Stepcast docs/engine.md)") {
    CHECK(rates_of(links_of({1.0, 10.0}), {{{{a}, {b}}}, {{{b}}}}) == std::vector{1.0, 9.0});
    CHECK(rates_of(links_of({10.0, 10.0}), {{{{a}, {b}}}, {{{b}}}}) == std::vector{5.0, 5.0});
  }
}

TEST_CASE("scanning, the heap and the oracle agree to the bit") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    const Links links = random_links(random, random.between(1, 12));
    std::vector<OracleFlow> flows;
    for (std::size_t i = random.between(1, 40); i > 0; --i)
      flows.push_back(random_flow(random, links.size()));
    const std::vector<double> expected = sim::test::oracle_rates(links, flows);
    REQUIRE(rates_of(links, flows) == expected);
    REQUIRE(rates_of(links, flows, 1) == expected);
  }
}

TEST_CASE("adding and removing flows solves as if from scratch") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    const Links links = random_links(random, random.between(2, 20));
    std::vector<OracleFlow> flows;
    for (int i = 0; i < 15; ++i) {
      flows.push_back(random_flow(random, links.size()));
      if (seed % 2 == 0) continue;
      // Caps that leave some links with room, and links that the same flows use.
      flows.back().cap = 1e9 * static_cast<double>(random.between(1, 12));
      if (i % 3 > 0) flows.back().uses = flows[flows.size() - 2].uses;
    }
    const std::vector<FlowClass> classes = classes_of(flows);
    FairShare fair(links, classes);
    std::vector<double> seen(flows.size(), 0.0);
    for (int step = 0; step < 60; ++step) {
      for (std::size_t change = random.between(1, 3); change > 0; --change) {
        const FlowClassId id{random.below(flows.size())};
        if (fair.active(id) > 0 && random.one_in(2))
          fair.remove(id);
        else
          fair.add(id);
      }
      for (const FlowClassId id : fair.solve()) {
        REQUIRE(fair.active(id) > 0);
        seen[id.index()] = fair.rate(id);
      }
      fair.check_laws();
      std::vector<OracleFlow> active;
      std::vector<FlowClassId> owner;
      for (std::size_t i = 0; i < flows.size(); ++i)
        for (std::uint32_t k = 0; k < fair.active(FlowClassId{i}); ++k) {
          active.push_back(flows[i]);
          owner.push_back(FlowClassId{i});
        }
      const std::vector<double> expected = sim::test::oracle_rates(links, active);
      for (std::size_t f = 0; f < active.size(); ++f) {
        REQUIRE(fair.rate(owner[f]) == expected[f]);
        REQUIRE(seen[owner[f].index()] == expected[f]);  // every change was reported
      }
    }
  }
}

TEST_CASE("a rate that stays is not reported") {
  const Links links = links_of({10.0});
  const std::vector<LinkUse> uses{{LinkId{0}, 1.0}};
  const std::vector<FlowClass> classes{{uses, 2.0}, {uses, 3.0}};
  FairShare fair(links, classes);
  fair.add(FlowClassId{0});
  CHECK(fair.solve().size() == 1);
  fair.add(FlowClassId{1});
  const auto changed = fair.solve();
  REQUIRE(changed.size() == 1);
  CHECK(changed.front() == FlowClassId{1});
  CHECK(fair.solve().empty());
}

TEST_CASE("the order of flows and links does not matter") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    const Links links = random_links(random, 8);
    std::vector<OracleFlow> flows;
    for (int i = 0; i < 20; ++i) flows.push_back(random_flow(random, links.size()));
    const std::vector<double> rates = rates_of(links, flows);

    std::vector<OracleFlow> reversed(flows.rbegin(), flows.rend());
    Links mirrored;
    for (std::size_t l = links.size(); l-- > 0;) mirrored.push_back(links[LinkId{l}]);
    for (OracleFlow& flow : reversed)
      for (LinkUse& use : flow.uses) use.link = LinkId{links.size() - 1 - use.link.index()};
    std::vector<double> again = rates_of(mirrored, reversed);
    std::reverse(again.begin(), again.end());
    REQUIRE(again == rates);
  }
}

// k replicas of a random network, some of whose links all replicas share, against one replica that
// loads the shared links k times: the fold of simulate().
TEST_CASE("k equal flows have bit for bit the rate of one flow with weight k") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    const std::size_t replicas = random.between(2, 9);
    const std::size_t link_count = random.between(2, 8);
    const std::size_t shared = random.between(1, link_count);  // links [0, shared)
    const Links folded_links = random_links(random, link_count);
    Links links;
    for (std::size_t l = 0; l < shared; ++l) links.push_back(folded_links[LinkId{l}]);
    for (std::size_t r = 0; r < replicas; ++r)
      for (std::size_t l = shared; l < link_count; ++l) links.push_back(folded_links[LinkId{l}]);

    std::vector<OracleFlow> flows;
    std::vector<OracleFlow> folded;
    for (std::size_t i = random.between(1, 12); i > 0; --i) {
      const OracleFlow flow = random_flow(random, link_count);
      folded.push_back(flow);
      for (LinkUse& use : folded.back().uses)
        if (use.link.index() < shared) use.weight *= static_cast<double>(replicas);
      for (std::size_t r = 0; r < replicas; ++r) {
        flows.push_back(flow);
        for (LinkUse& use : flows.back().uses)
          if (use.link.index() >= shared)
            use.link = LinkId{use.link.index() + r * (link_count - shared)};
      }
    }
    const std::vector<double> folded_rates = rates_of(folded_links, folded);
    const std::vector<double> rates = rates_of(links, flows, random.one_in(2) ? 1 : 1'000);
    for (std::size_t f = 0; f < rates.size(); ++f) REQUIRE(rates[f] == folded_rates[f / replicas]);
  }
}

TEST_CASE("components do not see each other") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    const Links links = random_links(random, 10);
    std::vector<OracleFlow> left;
    std::vector<OracleFlow> both;
    for (int i = 0; i < 10; ++i) left.push_back(random_flow(random, 5));
    both = left;
    for (int i = 0; i < 10; ++i) {
      both.push_back(random_flow(random, 5));
      for (LinkUse& use : both.back().uses) use.link = LinkId{use.link.index() + 5};
    }
    const std::vector<double> alone = rates_of(links, left);
    const std::vector<double> together = rates_of(links, both);
    REQUIRE(std::equal(alone.begin(), alone.end(), together.begin()));
  }
}

TEST_CASE("fair shares refuse flows without links and links without capacity") {
  const std::vector<LinkUse> uses{{LinkId{0}, 1.0}};
  const std::vector<FlowClass> no_links{FlowClass{}};
  const std::vector<FlowClass> one{FlowClass{uses, 0.0}};
  CHECK_THROWS_AS(FairShare(links_of({1.0}), no_links), sim::ContractViolation);
  CHECK_THROWS_AS(FairShare(links_of({0.0}), one), sim::ContractViolation);
  CHECK_THROWS_AS(FairShare(links_of({}), one), sim::ContractViolation);
  FairShare fair(links_of({1.0}), one);
  CHECK_THROWS_AS(fair.remove(FlowClassId{0}), sim::ContractViolation);
}
