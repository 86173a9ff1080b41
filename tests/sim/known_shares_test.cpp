#include "sim/known_shares.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "random.hpp"

using sim::Bandwidth;
using sim::FairShare;
using sim::FlowClass;
using sim::FlowClassId;
using sim::KnownShares;
using sim::Link;
using sim::LinkId;
using sim::LinkUse;
using sim::test::Random;

namespace {

using Links = sim::IdVector<LinkId, Link>;

struct Network {
  Links links;
  std::vector<std::vector<LinkUse>> uses;  // per class
  std::vector<FlowClass> classes;
};

Network random_network(Random& random, std::size_t class_count) {
  Network out;
  for (std::size_t i = random.between(2, 12); i > 0; --i)
    out.links.push_back(Link{Bandwidth{1e9 * static_cast<double>(random.between(4, 40))}, {}});
  out.uses.resize(class_count);
  for (std::vector<LinkUse>& uses : out.uses) {
    for (std::size_t link = 0; link < out.links.size(); ++link) {
      if (random.one_in(3)) uses.push_back({LinkId{link}, sim::dyadic(random.unit())});
    }
    if (uses.empty()) uses.push_back({LinkId{0}, 1.0});
    const double cap = random.one_in(2) ? 1e9 * static_cast<double>(random.between(1, 12)) : 0.0;
    out.classes.push_back({uses, cap});
  }
  return out;
}

}  // namespace

TEST_CASE("what is remembered of fair shares is what a solver says that knows nothing") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    const Network network = random_network(random, random.between(1, 8));
    const std::size_t classes = network.classes.size();
    KnownShares known(network.links, network.classes);
    std::vector<std::uint32_t> active(classes, 0);
    std::vector<double> seen(classes, 0.0);
    for (int instant = 0; instant < 150; ++instant) {
      for (std::size_t change = random.between(0, 12); change > 0; --change) {
        const std::size_t c = random.below(classes);
        if (active[c] == 0 || (active[c] < 3 && random.one_in(2))) {
          known.add(FlowClassId{c});
          ++active[c];
        } else {
          known.remove(FlowClassId{c});
          --active[c];
        }
      }
      for (const FlowClassId id : known.solve()) {
        REQUIRE(active[id.index()] > 0);
        REQUIRE(seen[id.index()] != known.rate(id));
        seen[id.index()] = known.rate(id);
      }
      FairShare fresh(network.links, network.classes);
      for (std::size_t c = 0; c < classes; ++c)
        for (std::uint32_t i = 0; i < active[c]; ++i) fresh.add(FlowClassId{c});
      fresh.solve();
      for (std::size_t c = 0; c < classes; ++c) {
        const FlowClassId id{c};
        if (active[c] == 0) continue;
        REQUIRE(known.rate(id) == fresh.rate(id));
        REQUIRE(seen[c] == fresh.rate(id));  // every change was reported
      }
      if (random.one_in(4)) known.check_laws();
    }
  }
}

TEST_CASE("flows that come back are not solved again, but held against the laws as new ones are") {
  Random random(1);
  const Network network = random_network(random, 6);
  KnownShares known(network.links, network.classes);
  for (int round = 0; round < 10; ++round) {
    for (std::size_t c = 0; c < 6; ++c) {
      known.add(FlowClassId{c});
      known.solve();
      CHECK(known.check_laws() > 0);
      known.solve();
    }
    for (std::size_t c = 0; c < 6; ++c) known.remove(FlowClassId{c});
    CHECK(known.solve().empty());
  }
  CHECK(known.solved() == 6);  // each one more; none needs no solution
}

TEST_CASE("fair shares of very many classes are solved as they come") {
  Random random(1);
  const Network network = random_network(random, 200);
  KnownShares known(network.links, network.classes);
  FairShare plain(network.links, network.classes);
  for (std::size_t c = 0; c < 200; ++c) {
    known.add(FlowClassId{c});
    plain.add(FlowClassId{c});
    CHECK(known.solve().size() == plain.solve().size());
    CHECK(known.rate(FlowClassId{c}) == plain.rate(FlowClassId{c}));
  }
  known.check_laws();
}
