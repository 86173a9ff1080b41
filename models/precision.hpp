// Number formats and what they occupy.
#pragma once

#include <cstdint>

namespace models {

enum class Precision : std::uint8_t { fp32, tf32, fp16, bf16, fp8, fp4 };
inline constexpr std::size_t kPrecisions = 6;

// Bytes of one stored element (tf32 is stored as fp32; fp4 as half a byte, scales not counted).
constexpr double element_bytes(Precision precision) {
  switch (precision) {
    case Precision::fp32:
    case Precision::tf32:
      return 4.0;
    case Precision::fp16:
    case Precision::bf16:
      return 2.0;
    case Precision::fp8:
      return 1.0;
    case Precision::fp4:
      return 0.5;
  }
  return 0.0;
}

}  // namespace models
