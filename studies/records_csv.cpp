#include "studies/records_csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

namespace studies {

namespace {

// Walks the text once; `line` follows the newlines, those inside quotes included.
class Cursor {
 public:
  Cursor(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  bool at_end() const { return position_ == text_.size(); }

  CsvRow row() {
    CsvRow row;
    row.line = line_;
    row.cells.push_back(cell());
    while (!at_end() && text_[position_] == ',') {
      ++position_;
      row.cells.push_back(cell());
    }
    end_of_line();
    return row;
  }

 private:
  std::string cell() {
    if (!at_end() && text_[position_] == '"') return quoted();
    const std::size_t start = position_;
    while (!at_end() && text_[position_] != ',' && text_[position_] != '\n' &&
           text_[position_] != '\r') {
      if (text_[position_] == '"') fail("a quote inside an unquoted cell");
      ++position_;
    }
    return std::string(text_.substr(start, position_ - start));
  }

  std::string quoted() {
    std::string cell;
    for (++position_; !at_end(); ++position_) {
      const char c = text_[position_];
      if (c == '"') {
        ++position_;
        if (at_end() || text_[position_] != '"') return cell;
      }
      if (c == '\n') ++line_;
      cell += c;
    }
    fail("a quoted cell is not closed");
  }

  void end_of_line() {
    if (at_end()) return;
    if (text_[position_] == '\r') ++position_;
    if (at_end() || text_[position_] != '\n') fail("text after a closing quote");
    ++position_;
    ++line_;
  }

  [[noreturn]] void fail(const std::string& message) const {
    throw RecordError(file_, line_, message);
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t position_ = 0;
  std::size_t line_ = 1;
};

void check_header(const CsvTable& table) {
  std::set<std::string> seen;
  for (const std::string& name : table.header) {
    if (name.empty()) throw RecordError(table.file, 1, "a column without a name");
    if (!seen.insert(name).second) {
      throw RecordError(table.file, 1, fmt::format("column '{}' appears twice", name));
    }
  }
}

}  // namespace

RecordError::RecordError(const std::string& file, std::size_t line, const std::string& message)
    : std::runtime_error(line == 0 ? fmt::format("{}: {}", file, message)
                                   : fmt::format("{}:{}: {}", file, line, message)) {}

std::size_t CsvTable::column(std::string_view name) const {
  const auto found = std::find(header.begin(), header.end(), name);
  return static_cast<std::size_t>(found - header.begin());
}

CsvTable parse_csv(std::string_view text, const std::string& file) {
  CsvTable table;
  table.file = file;
  Cursor cursor(text, file);
  if (cursor.at_end()) throw RecordError(file, 1, "the file is empty");
  table.header = cursor.row().cells;
  check_header(table);
  while (!cursor.at_end()) {
    CsvRow row = cursor.row();
    if (row.cells.size() != table.header.size()) {
      throw RecordError(
          file, row.line,
          fmt::format("{} cells where the header has {}", row.cells.size(), table.header.size()));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

CsvTable read_csv(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf())) throw RecordError(path, 0, "cannot be read");
  return parse_csv(text.str(), path);
}

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace studies
