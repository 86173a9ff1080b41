// Executes every schedule of every algorithm on multisets of contributions: the proof that a
// schedule is the collective it claims to be.
#include <catch2/catch.hpp>

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <vector>

#include "collectives/collective.hpp"
#include "tests/collectives/shapes.hpp"

namespace {

using collectives::Kind;
using collectives::Schedule;
using Value = std::vector<int>;  // how often each member's contribution is in it; empty = nothing
using State = std::vector<std::vector<Value>>;  // per vertex, per chunk

bool owns_at_start(const Schedule& s, std::uint32_t member, std::uint32_t chunk) {
  switch (s.kind) {
    case Kind::all_reduce:
    case Kind::reduce_scatter:
      return true;
    case Kind::all_gather:
      return chunk / (s.chunks / s.members) == member;
    case Kind::all_to_all:
      return chunk / s.members == member;
    case Kind::broadcast:
      return member == 0;
    case Kind::send_recv:
      return chunk == member;
  }
  return false;
}

State initial_state(const Schedule& s) {
  State state(s.members + s.switches, std::vector<Value>(s.chunks));
  for (std::uint32_t m = 0; m < s.members; ++m) {
    for (std::uint32_t c = 0; c < s.chunks; ++c) {
      if (!owns_at_start(s, m, c)) continue;
      state[m][c].assign(s.members, 0);
      state[m][c][m] = 1;
    }
  }
  return state;
}

// Applies all rounds; returns what went wrong, empty if nothing.
std::string execute(const Schedule& s, State& state) {
  for (const auto& round : s.rounds) {
    const State before = state;
    for (const collectives::Send& send : round) {
      if (send.from == send.to || send.chunk >= s.chunks) return "malformed send";
      const Value& value = before[send.from][send.chunk];
      if (value.empty()) return fmt::format("{} sends what it does not have", send.from);
      Value& target = state[send.to][send.chunk];
      if (!send.reduce || target.empty()) {
        target = value;
      } else {
        for (std::size_t i = 0; i < value.size(); ++i) target[i] += value[i];
      }
    }
  }
  return {};
}

// What member m must hold of chunk c at the end; empty = anything.
Value expected(const Schedule& s, std::uint32_t m, std::uint32_t c) {
  const std::uint32_t n = s.members;
  const auto only = [n](std::uint32_t i) {
    Value value(n, 0);
    value[i] = 1;
    return value;
  };
  switch (s.kind) {
    case Kind::all_reduce:
      return Value(n, 1);
    case Kind::reduce_scatter:
      return c / (s.chunks / n) == m ? Value(n, 1) : Value{};
    case Kind::all_gather:
      return only(c / (s.chunks / n));
    case Kind::all_to_all:
      return c % n == m ? only(c / n) : Value{};
    case Kind::broadcast:
      return only(0);
    case Kind::send_recv:
      if (n == 2) return m == 1 && c == 0 ? only(0) : Value{};
      return (c + 1) % n == m ? only(c) : Value{};
  }
  return {};
}

void check(const collectives::Algorithm& algorithm, Kind kind,
           const collectives::GroupShape& shape) {
  const Schedule s = algorithm.schedule(kind, shape);
  REQUIRE(s.kind == kind);
  REQUIRE(s.members == shape.size());
  State state = initial_state(s);
  REQUIRE(execute(s, state) == "");
  for (std::uint32_t m = 0; m < s.members; ++m) {
    for (std::uint32_t c = 0; c < s.chunks; ++c) {
      const Value want = expected(s, m, c);
      if (!want.empty() && state[m][c] != want) FAIL("member " << m << ", chunk " << c);
    }
  }
}

}  // namespace

TEST_CASE("every schedule ends with every contribution exactly once") {
  std::size_t executed = 0;
  for (const auto& algorithm : collectives::algorithms()) {
    for (const Kind kind : collectives_test::kKinds) {
      for (const auto& shape : collectives_test::all_shapes()) {
        if (!algorithm.applies(kind, shape)) continue;
        INFO(algorithm.name << ' ' << collectives::name(kind) << " of " << shape.size()
                            << ", first domain " << shape.domain[0]);
        check(algorithm, kind, shape);
        ++executed;
      }
    }
  }
  CHECK(executed > 800);
}

TEST_CASE("executing finds a broken schedule") {
  const auto shape = collectives_test::grid(1, 5);
  const auto* ring = collectives::find_algorithm("ring");
  Schedule twice = ring->schedule(Kind::all_reduce, shape);
  twice.rounds[1].push_back(twice.rounds[1].front());
  State state = initial_state(twice);
  CHECK(execute(twice, state) == "");
  bool wrong = false;
  for (const auto& value : state[0]) wrong = wrong || value != Value(5, 1);
  CHECK(wrong);
  Schedule early = ring->schedule(Kind::all_gather, shape);
  std::swap(early.rounds.front(), early.rounds.back());
  state = initial_state(early);
  CHECK(execute(early, state) != "");
}

TEST_CASE("every kind has an algorithm for every shape") {
  for (const Kind kind : collectives_test::kKinds) {
    for (const auto& shape : collectives_test::all_shapes()) {
      bool any = false;
      for (const auto& algorithm : collectives::algorithms()) {
        any = any || algorithm.applies(kind, shape);
      }
      CHECK(any);
    }
  }
}
