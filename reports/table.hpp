// Plain text tables for the terminal. Cells are made harmless and measured in code points.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reports {

enum class Align : std::uint8_t { left, right };

struct Column {
  std::string title;
  Align align = Align::right;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // REQUIRES: one cell a column.
  void row(std::vector<std::string> cells);
  std::string text(std::size_t indent = 0) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// `share` (0..1) of `width` characters as a bar of block characters.
std::string bar(double share, std::size_t width);

}  // namespace reports
