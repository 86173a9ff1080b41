#include <algorithm>
#include <set>

#include <catch2/catch.hpp>

#include "strategies/mesh.hpp"

using namespace strategies;

namespace {

Plan plan_of(std::int64_t tp, std::int64_t cp, std::int64_t pp, std::int64_t dp) {
  Plan plan;
  plan.tp = tp;
  plan.cp = cp;
  plan.pp = pp;
  plan.dp = dp;
  plan.shard_group = dp * cp;
  return plan;
}

std::vector<std::int64_t> members(const Plan& plan, GroupKind kind, std::int64_t rank) {
  return group_members(plan, dense_mesh(plan), expert_mesh(plan), kind, rank);
}

}  // namespace

TEST_CASE("the default order is Megatron's: tp fastest, pp slowest") {
  const Plan plan = plan_of(2, 2, 2, 2);
  CHECK(members(plan, GroupKind::tensor, 5) == std::vector<std::int64_t>{4, 5});
  CHECK(members(plan, GroupKind::context, 5) == std::vector<std::int64_t>{5, 7});
  CHECK(members(plan, GroupKind::shard, 5) == std::vector<std::int64_t>{1, 3, 5, 7});
  CHECK(members(plan, GroupKind::next_stage, 5) == std::vector<std::int64_t>{5, 13});
  CHECK(members(plan, GroupKind::next_stage, 13) == std::vector<std::int64_t>{13, 5});
}

TEST_CASE("maxima go round a replica's ranks of a stage, or all ranks of it") {
  const Plan plan = plan_of(2, 2, 2, 2);
  CHECK(members(plan, GroupKind::replica, 5) == std::vector<std::int64_t>{4, 5, 6, 7});
  CHECK(members(plan, GroupKind::stage, 13) ==
        std::vector<std::int64_t>{8, 9, 10, 11, 12, 13, 14, 15});
}

TEST_CASE("another order moves the groups") {
  Plan plan = plan_of(2, 1, 2, 2);
  plan.rank_order = "dp-cp-ep-pp-tp";
  CHECK(members(plan, GroupKind::shard, 0) == std::vector<std::int64_t>{0, 1});
  CHECK(members(plan, GroupKind::tensor, 0) == std::vector<std::int64_t>{0, 4});
}

TEST_CASE("hybrid sharding splits the data-parallel ranks") {
  Plan plan = plan_of(1, 1, 1, 8);
  plan.shard_group = 4;
  CHECK(members(plan, GroupKind::shard, 5) == std::vector<std::int64_t>{4, 5, 6, 7});
  CHECK(members(plan, GroupKind::replicate, 5) == std::vector<std::int64_t>{1, 5});
}

TEST_CASE("experts live on a mesh of their own") {
  Plan plan = plan_of(2, 1, 1, 4);
  plan.ep = 4;
  plan.etp = 1;
  CHECK(members(plan, GroupKind::expert, 1) == std::vector<std::int64_t>{0, 1, 2, 3});
  CHECK(members(plan, GroupKind::expert_data, 1) == std::vector<std::int64_t>{1, 5});
}

TEST_CASE("groups of a kind partition the ranks, whatever the order") {
  for (const char* order : {"tp-cp-ep-dp-pp", "pp-dp-ep-cp-tp", "tp-ep-dp-cp-pp"}) {
    Plan plan = plan_of(2, 2, 3, 4);
    plan.rank_order = order;
    plan.ep = 2;
    plan.shard_group = 4;
    for (GroupKind kind : {GroupKind::tensor, GroupKind::context, GroupKind::shard,
                           GroupKind::replicate, GroupKind::expert, GroupKind::expert_data}) {
      std::multiset<std::int64_t> seen;
      for (std::int64_t rank = 0; rank < plan.world_size(); ++rank) {
        const auto group = members(plan, kind, rank);
        REQUIRE(std::find(group.begin(), group.end(), rank) != group.end());
        REQUIRE(std::is_sorted(group.begin(), group.end()));
        if (group.front() == rank) seen.insert(group.begin(), group.end());
      }
      CHECK(static_cast<std::int64_t>(seen.size()) == plan.world_size());
      CHECK(std::set<std::int64_t>(seen.begin(), seen.end()).size() == seen.size());
    }
  }
}
