// Random draws that are the same on every platform, for tests that make up scenarios.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tests {

// splitmix64.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}

  std::uint64_t number() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  bool coin() { return number() % 2 == 0; }
  template <class T = std::string>
  T of(const std::vector<T>& values) {
    return values[number() % values.size()];
  }

 private:
  std::uint64_t state_;
};

}  // namespace tests
