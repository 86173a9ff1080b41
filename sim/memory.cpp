#include "sim/memory.hpp"

#include "sim/contracts.hpp"

namespace sim {

Bytes total(const MemoryByCategory& amounts) {
  Bytes sum;
  for (const Bytes amount : amounts) sum += amount;
  return sum;
}

void MemoryLedger::allocate(MemoryCategory category, Bytes amount, std::uint32_t position) {
  SIM_EXPECTS(amount >= Bytes{}, "an allocation is not negative");
  now_[static_cast<std::size_t>(category)] += amount;
  live_ += amount;
  if (live_ <= peak_) return;
  peak_ = live_;
  peak_position_ = position;
  at_peak_ = now_;
}

void MemoryLedger::free(MemoryCategory category, Bytes amount) {
  Bytes& held = now_[static_cast<std::size_t>(category)];
  SIM_EXPECTS(amount >= Bytes{} && amount <= held, "no more is freed than is allocated");
  held -= amount;
  live_ -= amount;
}

}  // namespace sim
