#include "sim/memory.hpp"

#include <catch2/catch.hpp>

#include "print.hpp"
#include "random.hpp"
#include "sim/contracts.hpp"

using sim::Bytes;
using sim::MemoryCategory;
using sim::MemoryLedger;

TEST_CASE("the ledger remembers the first moment of its peak, and its parts") {
  MemoryLedger ledger;
  ledger.allocate(MemoryCategory::parameters, Bytes{100}, 0);
  ledger.allocate(MemoryCategory::activations, Bytes{50}, 1);
  ledger.free(MemoryCategory::activations, Bytes{30});
  ledger.allocate(MemoryCategory::buffers, Bytes{30}, 3);  // equals the peak: the first one stays
  CHECK(ledger.peak() == Bytes{150});
  CHECK(ledger.peak_position() == 1);
  CHECK(ledger.at_peak()[static_cast<std::size_t>(MemoryCategory::activations)] == Bytes{50});
  CHECK(total(ledger.at_peak()) == ledger.peak());
  CHECK(total(ledger.now()) == Bytes{150});
}

TEST_CASE("the ledger refuses to free what is not there") {
  MemoryLedger ledger;
  ledger.allocate(MemoryCategory::gradients, Bytes{10}, 0);
  CHECK_THROWS_AS(ledger.free(MemoryCategory::gradients, Bytes{11}), sim::ContractViolation);
  CHECK_THROWS_AS(ledger.free(MemoryCategory::optimizer, Bytes{1}), sim::ContractViolation);
  CHECK_THROWS_AS(ledger.allocate(MemoryCategory::optimizer, Bytes{-1}, 1), sim::ContractViolation);
}

TEST_CASE("the peak is the largest of all moments") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    sim::test::Random random(seed);
    MemoryLedger ledger;
    std::array<std::int64_t, sim::kMemoryCategories> held{};
    std::int64_t live = 0;
    std::int64_t peak = 0;
    std::uint32_t peak_position = 0;
    for (std::uint32_t position = 0; position < 200; ++position) {
      const std::size_t c = random.below(held.size());
      const auto category = static_cast<MemoryCategory>(c);
      std::int64_t amount = static_cast<std::int64_t>(random.below(1'000));
      if (random.one_in(2)) {
        amount = std::min(amount, held[c]);
        ledger.free(category, Bytes{amount});
        amount = -amount;
      } else {
        ledger.allocate(category, Bytes{amount}, position);
      }
      held[c] += amount;
      live += amount;
      if (live > peak) {
        peak = live;
        peak_position = position;
      }
      REQUIRE(ledger.now()[c] == Bytes{held[c]});
    }
    REQUIRE(ledger.peak() == Bytes{peak});
    REQUIRE(ledger.peak_position() == peak_position);
  }
}
