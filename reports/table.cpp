#include "reports/table.hpp"

#include <algorithm>
#include <cmath>

#include "scenarios/utf8.hpp"
#include "sim/contracts.hpp"

namespace reports {
namespace {

std::string padded(const std::string& cell, std::size_t width, Align align) {
  const std::size_t used = scenarios::code_points(cell);
  const std::string space(width > used ? width - used : 0, ' ');
  return align == Align::left ? cell + space : space + cell;
}

std::string without_trailing_space(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

void Table::row(std::vector<std::string> cells) {
  SIM_EXPECTS(cells.size() == columns_.size(), "one cell a column");
  for (std::string& cell : cells) cell = scenarios::printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::text(std::size_t indent) const {
  std::vector<std::size_t> widths;
  bool titled = false;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::size_t width = scenarios::code_points(columns_[c].title);
    titled = titled || width > 0;
    for (const auto& cells : rows_) width = std::max(width, scenarios::code_points(cells[c]));
    widths.push_back(width);
  }
  std::string out;
  const auto line = [&](const auto& cell_of) {
    std::string text(indent, ' ');
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (c > 0) text += "  ";
      text += padded(cell_of(c), widths[c], columns_[c].align);
    }
    out += without_trailing_space(std::move(text)) + "\n";
  };
  if (titled) line([&](std::size_t c) -> const std::string& { return columns_[c].title; });
  for (const auto& cells : rows_) {
    line([&](std::size_t c) -> const std::string& { return cells[c]; });
  }
  return out;
}

std::string bar(double share, std::size_t width) {
  constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double clamped = std::clamp(share, 0.0, 1.0);
  const auto eighths =
      static_cast<std::size_t>(std::lround(clamped * static_cast<double>(width) * 8));
  std::string out;
  for (std::size_t i = 0; i < eighths / 8; ++i) out += "█";
  return out + kEighths[eighths % 8];
}

}  // namespace reports
