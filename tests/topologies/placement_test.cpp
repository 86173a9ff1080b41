#include "topologies/placement.hpp"

#include <catch2/catch.hpp>

#include "sim/contracts.hpp"

using topologies::Placement;
using topologies::round_robin;

TEST_CASE("Ranks are on the devices of their number by default") {
  const Placement placement;
  CHECK(placement.is_identity());
  CHECK(placement.device_of(0).value() == 0);
  CHECK(placement.device_of(12345).value() == 12345);
  CHECK_THROWS_AS(placement.device_of(-1), sim::ContractViolation);
}

TEST_CASE("A permutation places each rank, no device twice") {
  const Placement placement({sim::DeviceId{2}, sim::DeviceId{0}, sim::DeviceId{1}});
  CHECK(placement.device_of(0).value() == 2);
  CHECK(placement.device_of(2).value() == 1);
  CHECK_THROWS_AS(placement.device_of(3), sim::ContractViolation);
  CHECK_THROWS_AS(Placement({sim::DeviceId{1}, sim::DeviceId{1}}), sim::ContractViolation);
}

TEST_CASE("Round robin deals ranks out over servers") {
  const Placement placement = round_robin(4, 8);
  CHECK(placement.device_of(0).value() == 0);
  CHECK(placement.device_of(1).value() == 8);
  CHECK(placement.device_of(4).value() == 1);
  CHECK(placement.device_of(31).value() == 31);
}
