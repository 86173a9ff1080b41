#include "formats/format.hpp"

#include <array>

namespace formats {

std::span<const FormatEntry> format_table() {
  static constexpr std::array table{
      FormatEntry{"hf", "a model's config.json from Hugging Face", &import_hugging_face, nullptr,
                  false},
      FormatEntry{"chakra", "Chakra execution traces of every rank, as for ASTRA-sim", nullptr,
                  &export_chakra, true},
  };
  return table;
}

}  // namespace formats
