// The memory ledger: what one rank has allocated, by category, in the order its program issues
// allocations (as a caching allocator sees them), with the peak, its parts and its position.
#pragma once

#include <array>
#include <cstdint>

#include "sim/units.hpp"

namespace sim {

enum class MemoryCategory : std::uint8_t {
  parameters,
  gradients,
  optimizer,
  activations,
  buffers,
  framework
};
inline constexpr std::size_t kMemoryCategories = 6;
inline constexpr std::array<const char*, kMemoryCategories> kMemoryCategoryNames{
    "parameters", "gradients", "optimizer", "activations", "buffers", "framework"};

using MemoryByCategory = std::array<Bytes, kMemoryCategories>;

Bytes total(const MemoryByCategory& amounts);

class MemoryLedger {
 public:
  // `position` is the caller's index of the event (an operation of the program).
  void allocate(MemoryCategory category, Bytes amount, std::uint32_t position);
  // REQUIRES: no more than is allocated in that category.
  void free(MemoryCategory category, Bytes amount);

  Bytes peak() const { return peak_; }
  std::uint32_t peak_position() const { return peak_position_; }
  const MemoryByCategory& at_peak() const { return at_peak_; }
  const MemoryByCategory& now() const { return now_; }

 private:
  MemoryByCategory now_{};
  MemoryByCategory at_peak_{};
  Bytes live_;
  Bytes peak_;
  std::uint32_t peak_position_ = 0;
};

}  // namespace sim
