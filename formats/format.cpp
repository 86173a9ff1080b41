#include "formats/format.hpp"

#include <array>

namespace formats {

std::span<const FormatEntry> format_table() {
  static constexpr std::array table{
      FormatEntry{"hf", "a model's config.json from Hugging Face", &import_hugging_face, nullptr,
                  false},
  };
  return table;
}

}  // namespace formats
