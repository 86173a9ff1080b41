#include "studies/records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

namespace studies {

namespace {

constexpr std::array kConfigurationRoots = {"model.", "cluster.", "training.", "strategy.",
                                            "implementation."};
constexpr std::string_view kImplementation = "implementation";

bool is_configuration(std::string_view column) {
  return column == kImplementation ||
         std::any_of(kConfigurationRoots.begin(), kConfigurationRoots.end(),
                     [&](std::string_view root) { return column.substr(0, root.size()) == root; });
}

// One row of a file: cells by column name, blanks replaced by the file's default row.
class Cells {
 public:
  Cells(const CsvTable& table, const CsvRow* defaults, const CsvRow& row)
      : table_(table), defaults_(defaults), row_(row) {}

  std::string text(std::string_view name) const {
    const std::size_t column = table_.column(name);
    return column == table_.header.size() ? std::string() : at(column);
  }

  std::string at(std::size_t column) const {
    const std::string& cell = row_.cells[column];
    return cell.empty() && defaults_ != nullptr ? defaults_->cells[column] : cell;
  }

  double number(std::string_view name) const {
    const std::string cell = text(name);
    if (cell.empty()) return 0.0;
    double value = 0.0;
    const char* end = cell.data() + cell.size();
    const auto [stop, status] = std::from_chars(cell.data(), end, value);
    if (status != std::errc() || stop != end || !(value > 0.0) || value > 1e18) {
      fail(fmt::format("{}: '{}' is not a positive number", name, cell));
    }
    return value;
  }

  // The value of `name` among `choices`, the first of which stands for a blank.
  template <typename Value, std::size_t N>
  Value choice(std::string_view name,
               const std::array<std::pair<std::string_view, Value>, N>& choices) const {
    const std::string cell = text(name);
    if (cell.empty()) return choices.front().second;
    for (const auto& [word, value] : choices) {
      if (cell == word) return value;
    }
    fail(fmt::format("{}: '{}' is not one of its values", name, cell));
  }

  [[noreturn]] void fail(const std::string& message) const {
    throw RecordError(table_.file, row_.line, message);
  }

 private:
  const CsvTable& table_;
  const CsvRow* defaults_;
  const CsvRow& row_;
};

constexpr std::array<std::pair<std::string_view, Use>, 3> kUses = {
    {{"yes", Use::yes}, {"assumed", Use::assumed}, {"no", Use::no}}};
constexpr std::array<std::pair<std::string_view, MemoryStage>, 2> kStages = {
    {{"worst", MemoryStage::worst}, {"first", MemoryStage::first}}};
constexpr std::array<std::pair<std::string_view, bool>, 2> kBooleans = {
    {{"true", true}, {"false", false}}};
constexpr std::array<std::string_view, 4> kConventions = {"", "sc21-hardware", "model-full",
                                                          "model-causal"};
constexpr std::array<std::string_view, 6> kClasses = {"dense16", "fp8",    "moe",
                                                      "memory",  "failed", "placement"};
constexpr std::array<std::string_view, 7> kText = {"id",  "locator", "class",     "target",
                                                   "use", "note",    "model_name"};
constexpr std::array<std::string_view, 9> kMeasured = {
    "measured.step_time_s",      "measured.tokens_per_s_per_gpu", "measured.tflops_per_gpu",
    "measured.flops_convention", "measured.allocated_gib",        "measured.reserved_gib",
    "measured.driver_gib",       "measured.memory_stage",         "measured.fits"};

template <typename Names>
bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void check_columns(const CsvTable& table) {
  for (const std::string& name : table.header) {
    if (!contains(kText, name) && !contains(kMeasured, name) && !is_configuration(name)) {
      throw RecordError(table.file, 1, fmt::format("unknown column '{}'", name));
    }
  }
  if (table.header.front() != "id") throw RecordError(table.file, 1, "the first column is not id");
}

Measured measured_of(const Cells& cells) {
  Measured measured;
  measured.step_time_s = cells.number("measured.step_time_s");
  measured.tokens_per_s_per_gpu = cells.number("measured.tokens_per_s_per_gpu");
  measured.tflops_per_gpu = cells.number("measured.tflops_per_gpu");
  measured.flops_convention = cells.text("measured.flops_convention");
  if (!contains(kConventions, measured.flops_convention)) cells.fail("unknown FLOPs convention");
  measured.allocated_gib = cells.number("measured.allocated_gib");
  measured.reserved_gib = cells.number("measured.reserved_gib");
  measured.driver_gib = cells.number("measured.driver_gib");
  measured.memory_stage = cells.choice("measured.memory_stage", kStages);
  measured.fits = cells.choice("measured.fits", kBooleans);
  return measured;
}

Record record_of(const CsvTable& table, const Cells& cells, const std::string& source) {
  Record record;
  record.id = cells.text("id");
  record.source = source;
  record.locator = cells.text("locator");
  record.record_class = cells.text("class");
  record.target = cells.text("target");
  record.use = cells.choice("use", kUses);
  record.note = cells.text("note");
  record.model_name = cells.text("model_name");
  if (record.id.empty()) cells.fail("a record without an id");
  if (!contains(kClasses, record.record_class)) cells.fail("unknown class");
  if (record.use != Use::yes && record.note.empty()) cells.fail("a note has to say why");
  for (std::size_t column = 0; column < table.header.size(); ++column) {
    if (!is_configuration(table.header[column])) continue;
    if (std::string value = cells.at(column); !value.empty()) {
      record.configuration.emplace_back(table.header[column], std::move(value));
    }
  }
  record.measured = measured_of(cells);
  return record;
}

std::vector<Source> load_sources(const std::string& path) {
  const CsvTable table = read_csv(path);
  std::vector<Source> sources;
  for (const CsvRow& row : table.rows) {
    const Cells cells(table, nullptr, row);
    sources.push_back({cells.text("source"), cells.text("title"), cells.text("url"),
                       cells.text("code_base"), cells.text("implementation"), cells.text("flops"),
                       cells.text("memory"), cells.text("interconnect"), cells.text("caveats")});
    if (sources.back().name.empty() || sources.back().url.empty()) {
      cells.fail("a source without a name or an address");
    }
  }
  return sources;
}

std::vector<Target> load_targets(const std::string& path) {
  const CsvTable table = read_csv(path);
  std::vector<Target> targets;
  for (const CsvRow& row : table.rows) {
    const Cells cells(table, nullptr, row);
    targets.push_back({cells.text("target"), cells.text("title"), cells.number("mean_pct"),
                       cells.number("p90_pct"), cells.number("median_pct"),
                       cells.number("rank_correlation"), cells.number("regret_pct")});
  }
  return targets;
}

// Writes one level of the nested map that dotted keys name; [first, last) share `depth` names.
using Setting = std::pair<std::string, std::string>;
void write_level(const std::vector<Setting>& settings, std::size_t depth, std::string& out) {
  std::vector<std::string> done;
  for (const auto& [key, value] : settings) {
    const std::size_t dot = key.find('.');
    const std::string head = key.substr(0, dot);
    if (contains(done, head)) continue;
    done.push_back(head);
    if (dot == std::string::npos) {
      out += fmt::format("{:{}}{}: {}\n", "", depth * 2, head, value);
      continue;
    }
    std::vector<Setting> below;
    for (const auto& [other, other_value] : settings) {
      if (other.size() > dot && other.compare(0, dot, head) == 0 && other[dot] == '.') {
        below.emplace_back(other.substr(dot + 1), other_value);
      }
    }
    out += fmt::format("{:{}}{}:\n", "", depth * 2, head);
    write_level(below, depth + 1, out);
  }
}

}  // namespace

std::string Record::setting(std::string_view key) const {
  for (const auto& [name, value] : configuration) {
    if (name == key) return value;
  }
  return {};
}

std::string default_records_folder() { return STEPCAST_RECORDS_DIR; }

std::vector<Record> records_of(const CsvTable& table, const std::string& source) {
  check_columns(table);
  const CsvRow* defaults = nullptr;
  std::vector<Record> records;
  for (const CsvRow& row : table.rows) {
    if (row.cells.front() == "*") {
      if (defaults != nullptr || !records.empty()) {
        throw RecordError(table.file, row.line, "the default row '*' has to come first, once");
      }
      defaults = &row;
      continue;
    }
    records.push_back(record_of(table, Cells(table, defaults, row), source));
  }
  return records;
}

RecordSet load_records(const std::string& folder) {
  RecordSet set;
  set.sources = load_sources(folder + "/index.csv");
  set.targets = load_targets(folder + "/targets.csv");
  std::set<std::string> ids;
  for (const Source& source : set.sources) {
    const std::string path = folder + "/" + source.name + ".csv";
    for (Record& record : records_of(read_csv(path), source.name)) {
      if (!ids.insert(record.id).second) throw RecordError(path, 0, "id twice: " + record.id);
      if (std::none_of(set.targets.begin(), set.targets.end(),
                       [&](const Target& target) { return target.name == record.target; })) {
        throw RecordError(path, 0, fmt::format("{}: unknown target", record.id));
      }
      set.records.push_back(std::move(record));
    }
  }
  return set;
}

std::string scenario_text(const Record& record) {
  std::string text = fmt::format("name: {}\n", record.id);
  write_level(record.configuration, 0, text);
  return text;
}

std::string ranking_group(const Record& record) {
  std::string group = record.source;
  for (const auto& [key, value] : record.configuration) {
    if (key.rfind("model.", 0) == 0 || key == "cluster.gpus" || key == "cluster.device" ||
        key == "cluster.preset" || key == "training.seq_len") {
      group += '|' + value;
    }
  }
  return group;
}

}  // namespace studies
