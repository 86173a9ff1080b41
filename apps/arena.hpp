// Operands for measurements as a training step finds them: in memory, not in a cache.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace apps {

// Hands out one stretch after the other of a block that is larger than what caches keep of it:
// whoever takes a new stretch for every repetition finds it cold.
class Arena {
 public:
  // `least`: what can be had at one time, floats. Values are between -0.5 and 0.5.
  explicit Arena(std::size_t least = 0) : values_(std::max(kFloats, least)) { refill(); }

  // REQUIRES: size at most that of the block.
  float* next(std::size_t size) {
    if (at_ + size > values_.size()) at_ = 0;
    float* out = values_.data() + at_;
    at_ += (size + kLine - 1) / kLine * kLine;
    return out;
  }
  // Pages that the system took back while they were idle (swap, proactive reclaim) return; caches
  // keep one line of each. To be called before a measurement, for a step's memory is never idle.
  void settle() {
    const auto now = std::chrono::steady_clock::now();
    if (now - settled_ < kIdle) return;
    for (std::size_t i = 0; i < values_.size(); i += kPage) {
      volatile float& value = values_[i];
      value = value;
    }
    settled_ = std::chrono::steady_clock::now();
  }
  void refill() {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      values_[i] = static_cast<float>(i % 1024) * (1.0F / 1024.0F) - 0.5F;
    }
  }

 private:
  static constexpr std::size_t kFloats = std::size_t{24} << 20;  // 96 MiB
  static constexpr std::size_t kLine = 16;                       // a cache line
  static constexpr std::size_t kPage = 1024;                     // the smallest page
  static constexpr std::chrono::milliseconds kIdle{50};
  std::vector<float> values_;
  std::size_t at_ = 0;
  std::chrono::steady_clock::time_point settled_{};
};

}  // namespace apps
