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

// What a scenario keeps a tensor in from forward to backward: as it is computed with, or narrower.
// e5m6: 12 bits, DeepSeek-V3's format for the output of attention (arXiv 2412.19437, section
// 3.3.3).
enum class SavedFormat : std::uint8_t { native, e5m6, fp8 };

// Bytes of one element, of a tensor of `native` bytes an element; scales not counted.
constexpr double saved_element_bytes(SavedFormat format, double native) {
  switch (format) {
    case SavedFormat::native:
      return native;
    case SavedFormat::e5m6:
      return 1.5;
    case SavedFormat::fp8:
      return 1.0;
  }
  return native;
}

}  // namespace models
