#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "random.hpp"
#include "sim/radix_heap.hpp"

using sim::RadixHeap;

namespace {

struct Pending {
  std::int64_t key;
  std::uint32_t sequence;
};

// First of the least keys: what a stable priority queue pops.
Pending pop_naive(std::vector<Pending>& pending) {
  const auto first =
      std::min_element(pending.begin(), pending.end(),
                       [](const Pending& a, const Pending& b) { return a.key < b.key; });
  const Pending result = *first;
  pending.erase(first);
  return result;
}

}  // namespace

TEST_CASE("the radix heap pops in order of key, ties in order of insertion") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    sim::test::Random random(seed);
    RadixHeap<std::uint32_t> heap;
    std::vector<Pending> naive;
    std::uint32_t sequence = 0;
    std::int64_t now = 0;
    const std::int64_t spread = std::int64_t{1} << random.between(1, 40);
    for (int step = 0; step < 2'000; ++step) {
      if (naive.empty() || random.one_in(2)) {
        const auto key = now + static_cast<std::int64_t>(random.below(spread));
        heap.push(key, sequence);
        naive.push_back({key, sequence++});
      } else {
        const Pending expected = pop_naive(naive);
        const auto item = heap.pop();
        REQUIRE(item.key == expected.key);
        REQUIRE(item.value == expected.sequence);
        now = item.key;
      }
      REQUIRE(heap.size() == naive.size());
    }
  }
}

TEST_CASE("the radix heap hands out an instant with what is pushed during it") {
  RadixHeap<int> heap;
  heap.push(7, 1);
  heap.push(9, 4);
  heap.push(7, 2);
  REQUIRE(heap.advance() == 7);
  CHECK(heap.pop().value == 1);
  heap.push(7, 3);
  CHECK(heap.pop().value == 2);
  CHECK(heap.has_current());
  CHECK(heap.pop().value == 3);
  CHECK_FALSE(heap.has_current());
  heap.push(8, 5);
  CHECK(heap.advance() == 8);
  CHECK(heap.pop().value == 5);
  CHECK(heap.pop().value == 4);
  CHECK(heap.empty());
}

TEST_CASE("the radix heap keeps keys up to the end of time") {
  RadixHeap<int> heap;
  const std::int64_t last = std::numeric_limits<std::int64_t>::max();
  heap.push(last, 1);
  heap.push(0, 0);
  CHECK(heap.pop().value == 0);
  CHECK(heap.pop().key == last);
}

TEST_CASE("the radix heap refuses the past and an empty pop") {
  RadixHeap<int> heap;
  CHECK_THROWS_AS(heap.pop(), sim::ContractViolation);
  heap.push(10, 0);
  heap.pop();
  CHECK_THROWS_AS(heap.push(9, 0), sim::ContractViolation);
  CHECK_NOTHROW(heap.push(10, 0));
}
