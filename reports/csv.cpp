#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "reports/json.hpp"
#include "reports/text.hpp"

namespace reports {
namespace {

using nlohmann::ordered_json;

struct Cell {
  std::string title;
  std::string value;
};

std::string cell_text(const ordered_json& value) {
  return value.is_string() ? csv_cell(value.get<std::string>()) : value.dump();
}

// Scalars and one level of groups of the JSON result: CSV and JSON cannot disagree.
std::vector<Cell> cells(const scenarios::Report& report) {
  std::vector<Cell> out;
  const ordered_json json = to_json(report);
  for (const auto& [key, value] : json.items()) {
    if (key == "provenance" || value.is_array()) continue;
    if (!value.is_object()) {
      out.push_back({key, cell_text(value)});
      continue;
    }
    for (const auto& [inner, part] : value.items()) {
      if (!part.is_structured()) out.push_back({key + "." + inner, cell_text(part)});
    }
    if (!value.contains("categories_gib")) continue;
    for (const auto& [category, amount] : value["categories_gib"].items()) {
      out.push_back({key + "." + category + "_gib", cell_text(amount)});
    }
  }
  return out;
}

}  // namespace

std::string csv(std::span<const scenarios::Report> reports) {
  std::string out;
  for (const scenarios::Report& report : reports) {
    std::vector<std::string> line;
    std::vector<std::string> names;
    for (Cell& cell : cells(report)) {
      if (cell.title == "mfu_bf16") continue;  // not in every row
      names.push_back(std::move(cell.title));
      line.push_back(std::move(cell.value));
    }
    if (out.empty()) out = fmt::format("{}\r\n", fmt::join(names, ","));
    out += fmt::format("{}\r\n", fmt::join(line, ","));
  }
  return out;
}

}  // namespace reports
