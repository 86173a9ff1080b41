// Schedules written by hand: PyTorch's compute-only CSV (torch.distributed.pipelining.schedules,
// _Action). See schedule_of_cells in schedule.hpp.
#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "strategies/schedule.hpp"

namespace strategies {
namespace {

constexpr std::int64_t kMostPieces = 1 << 16;  // beyond this a number is a slip of the pen
constexpr std::int64_t kMostMicroBatches = 1 << 20;
constexpr std::string_view kOverlap = "OVERLAP_F_B";

struct Action {
  PassKind kind = PassKind::forward;
  std::int64_t piece = 0;
  std::int32_t micro_batch = 0;
  bool with_next = false;
  std::size_t line = 0, column = 0;
};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\"");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\"") - first + 1);
}

class Parser {
 public:
  std::vector<std::vector<Action>> rows(const std::vector<std::vector<ScheduleCell>>& rows) {
    for (const auto& row : rows) {
      rows_.emplace_back();
      for (const ScheduleCell& cell : row) {
        line_ = cell.line;
        column_ = cell.column;
        cell.text.starts_with('(') ? pair(cell.text) : add(cell.text, false);
      }
    }
    if (rows_.empty()) throw ScheduleError(1, 1, "there is no row: a schedule has one per rank");
    return std::move(rows_);
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw ScheduleError(line_, column_, problem);
  }

  void pair(std::string_view cell) {
    const std::size_t middle = cell.find(';');
    const std::size_t close = cell.find(')');
    if (middle == cell.npos || close == cell.npos || close < middle ||
        trimmed(cell.substr(close + 1)) != kOverlap) {
      fail(fmt::format("'{}' is no pair of passes, such as (2F1;0B0){}", cell, kOverlap));
    }
    add(trimmed(cell.substr(1, middle - 1)), true);
    add(trimmed(cell.substr(middle + 1, close - middle - 1)), false);
  }

  std::int64_t number(std::string_view text, std::string_view cell, std::int64_t limit) const {
    std::int64_t value = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value >= limit) {
      fail(fmt::format("'{}' is no pass: piece, F, B, I or W, micro-batch, such as 0F3", cell));
    }
    return value;
  }

  void add(std::string_view cell, bool with_next) {
    constexpr std::string_view letters = "FBIW";  // in the order of PassKind
    const std::size_t at = std::min(cell.find_first_not_of("0123456789"), cell.size());
    const std::int64_t piece = number(cell.substr(0, at), cell, kMostPieces);
    const std::size_t kind = at < cell.size() ? letters.find(cell[at]) : letters.npos;
    if (kind == letters.npos) {
      fail(fmt::format("'{}' is no pass that computes (F, B, I or W)", cell));
    }
    const std::int64_t micro_batch = number(cell.substr(at + 1), cell, kMostMicroBatches);
    rows_.back().push_back({static_cast<PassKind>(kind), piece,
                            static_cast<std::int32_t>(micro_batch), with_next, line_, column_});
  }

  std::size_t line_ = 0, column_ = 1;
  std::vector<std::vector<Action>> rows_;
};

// The first action that is not where the placement puts its piece.
const Action* misplaced(const std::vector<std::vector<Action>>& rows,
                        const PipelineSchedule& schedule) {
  for (std::size_t rank = 0; rank < rows.size(); ++rank) {
    for (const Action& action : rows[rank]) {
      if (schedule.place_of(action.piece).first != static_cast<std::int64_t>(rank)) return &action;
    }
  }
  return nullptr;
}

ScheduleShape shape_of(const std::vector<std::vector<Action>>& rows) {
  ScheduleShape shape;
  shape.stages = static_cast<std::int64_t>(rows.size());
  const Action* last = nullptr;
  std::int32_t most = 0;
  for (const auto& row : rows) {
    for (const Action& action : row) {
      if (!last || action.piece > last->piece) last = &action;
      most = std::max(most, action.micro_batch);
    }
  }
  const std::int64_t pieces = last ? last->piece + 1 : 0;
  if (pieces == 0 || pieces % shape.stages != 0) {
    throw ScheduleError(last ? last->line : 1, last ? last->column : 1,
                        fmt::format("{} pieces do not divide over {} rows", pieces, shape.stages));
  }
  shape.chunks = pieces / shape.stages;
  shape.micro_batches = most + 1;
  return shape;
}

}  // namespace

ScheduleError::ScheduleError(std::size_t at_line, std::size_t at_column, const std::string& what)
    : std::runtime_error(fmt::format("line {}, column {}: {}", at_line, at_column, what)),
      line(at_line),
      column(at_column),
      problem(what) {}

PipelineSchedule schedule_of_cells(const std::vector<std::vector<ScheduleCell>>& cells) {
  const std::vector<std::vector<Action>> rows = Parser().rows(cells);
  PipelineSchedule out{shape_of(rows), Placement::linear, {}};
  if (const Action* astray = misplaced(rows, out)) {
    out.placement = Placement::v_shape;
    if (misplaced(rows, out)) {
      throw ScheduleError(
          astray->line, astray->column,
          fmt::format("piece {} is on no rank that round-robin or a V puts it on", astray->piece));
    }
  }
  for (const auto& row : rows) {
    std::vector<PassSlot>& slots = out.stages.emplace_back();
    for (const Action& action : row) {
      const auto chunk = static_cast<std::int32_t>(out.place_of(action.piece).second);
      slots.push_back({action.kind, chunk, action.micro_batch, action.with_next});
    }
  }
  return out;
}

std::vector<std::vector<ScheduleCell>> schedule_cells(std::string_view text) {
  std::vector<std::vector<ScheduleCell>> rows;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view row = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (trimmed(row).empty()) continue;
    rows.emplace_back();
    for (std::size_t begin = 0; begin <= row.size();) {
      const std::size_t comma = std::min(row.find(',', begin), row.size());
      const std::string_view cell = trimmed(row.substr(begin, comma - begin));
      if (!cell.empty()) {
        rows.back().push_back(
            {std::string(cell), line, static_cast<std::size_t>(cell.data() - row.data()) + 1});
      }
      begin = comma + 1;
    }
  }
  return rows;
}

PipelineSchedule parse_schedule_csv(std::string_view text) {
  return schedule_of_cells(schedule_cells(text));
}

const ScheduleCell& cell_of(const std::vector<std::vector<ScheduleCell>>& rows, SlotPlace at) {
  const auto& row = rows[at.stage];
  std::size_t cell = 0;
  // A pair is two passes.
  for (std::size_t slot = row[0].text.starts_with('(') ? 2 : 1; slot <= at.slot;) {
    slot += row[++cell].text.starts_with('(') ? 2 : 1;
  }
  return row[cell];
}

}  // namespace strategies
