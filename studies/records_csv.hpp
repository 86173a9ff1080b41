// Strict reader of comma-separated files (RFC 4180): quoted cells, doubled quotes, a header of
// unique names, rows of equal width. Anything else is an error with its line, never a guess.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace studies {

// What is wrong with a file of records, and where.
class RecordError : public std::runtime_error {
 public:
  RecordError(const std::string& file, std::size_t line, const std::string& message);
};

struct CsvRow {
  std::size_t line = 0;  // 1-based, of the first character of the row
  std::vector<std::string> cells;
};

struct CsvTable {
  std::string file;  // for messages
  std::vector<std::string> header;
  std::vector<CsvRow> rows;

  // The index of a column, or header.size() when there is none.
  std::size_t column(std::string_view name) const;
};

// Throws RecordError. `file` is only used in messages.
CsvTable parse_csv(std::string_view text, const std::string& file);

// Reads and parses a file. Throws RecordError (line 0: cannot be read).
CsvTable read_csv(const std::string& path);

// One cell for a CSV file, quoted only where it must be.
std::string csv_cell(std::string_view text);

}  // namespace studies
