#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "studies/workers.hpp"

using studies::Workers;

TEST_CASE("workers take every turn once, loop after loop") {
  for (const unsigned threads : {1U, 2U, 5U}) {
    Workers workers(threads);
    CHECK(workers.threads() == threads);
    for (const std::size_t count : {0U, 1U, 2U, 1000U}) {
      std::vector<std::atomic<int>> turns(count);
      std::atomic<bool> known = true;
      workers.each(count, [&](std::size_t thread, std::size_t i) {
        if (thread >= threads) known = false;
        ++turns[i];
      });
      CHECK(known);
      for (const auto& turn : turns) CHECK(turn == 1);
    }
  }
}

TEST_CASE("workers throw the first failure by index, and go on afterwards") {
  Workers workers(3);
  const auto failing = [](std::size_t, std::size_t i) {
    if (i == 7 || i == 90) throw std::runtime_error(std::to_string(i));
  };
  CHECK_THROWS_WITH(workers.each(100, failing), "7");
  std::atomic<int> done = 0;
  workers.each(10, [&](std::size_t, std::size_t) { ++done; });
  CHECK(done == 10);
}

// What a failed turn left half done is not for its thread's next one.
TEST_CASE("a thread whose turn failed takes no other of the loop") {
  for (const unsigned threads : {1U, 4U}) {
    Workers workers(threads);
    std::vector<std::atomic<bool>> failed(threads);
    std::atomic<bool> again = false;
    const auto failing = [&](std::size_t thread, std::size_t i) {
      if (failed[thread]) again = true;
      if (i >= 5) {
        failed[thread] = true;
        throw std::runtime_error(std::to_string(i));
      }
    };
    CHECK_THROWS_WITH(workers.each(1000, failing), "5");
    CHECK_FALSE(again);
  }
}

// A pool that cannot be completed ends instead of waiting for turns that never come.
TEST_CASE("workers that cannot all be started are an error") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit little{std::size_t{64} << 20, std::size_t{64} << 20};  // stacks take 8 MiB each
    setrlimit(RLIMIT_AS, &little);
    alarm(20);
    int code = 1;
    try {
      Workers(64).each(1, [](std::size_t, std::size_t) {});
    } catch (const std::system_error&) {
      code = 0;
    } catch (const std::bad_alloc&) {
      code = 0;
    }
    _exit(code);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
