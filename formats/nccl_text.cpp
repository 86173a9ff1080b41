// The table that nccl-tests and RCCL-tests print:
//   # nThread 1 nGpus 8 minBytes 8 maxBytes 134217728 step: 2(factor) …
//   #  Rank  0 Group  0 Pid  12 on  host1 device  0 [0x1b] NVIDIA H100
//   #   size  count  type  redop  root  time  algbw  busbw #wrong  time  algbw  busbw #wrong
//     1048576  262144  float  sum  -1  41.2  25.4  44.5  0  40.8  25.7  45.0  0
// Which collective it is, the table does not say: it follows from a comment, the file's name, or
// the reduction and the ratio of the two bandwidths.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "formats/benchmark_text.hpp"

namespace formats {
namespace {

using collectives::Kind;

struct Row {
  std::size_t line = 0;
  double bytes = 0.0;
  double microseconds = 0.0;
  double ratio = 0.0;  // busbw / algbw as printed; 0 = too small to tell
  bool reduces = false;
};

struct Table {
  std::set<std::string> hosts;
  std::uint32_t ranks = 0;
  std::uint32_t nodes = 0;  // by a comment
  std::string device, library, name;
  std::vector<Row> rows;
};

class NcclText {
 public:
  explicit NcclText(const BenchmarkHints& hints) : hints_(hints) {}

  Benchmark read(std::string_view text) {
    std::size_t number = 0;
    for (const std::string_view line : lines_of(text)) {
      ++number;
      const std::string_view content = trimmed(line);
      if (content.starts_with('#')) {
        comment(trimmed(content.substr(1)));
      } else if (!content.empty() && content.front() >= '0' && content.front() <= '9') {
        row(words_of(content), number);
      }
    }
    close();
    finish(out_);
    return std::move(out_);
  }

 private:
  void warn(std::size_t line, std::string message) {
    out_.warnings.push_back({line, std::move(message)});
  }

  void comment(std::string_view text) {
    const auto words = words_of(text);
    if (words.empty()) return;
    if (text.starts_with("nThread") || text.starts_with("Collective test starting")) {
      if (!table_.rows.empty()) close();
      if (text.starts_with("Collective")) table_.name = std::string(text.substr(24));
    } else if (words[0] == "Rank" && words.size() > 6) {
      rank(words);
    } else if (lower(text).starts_with("nccl-tests version") || words[0] == "NCCL") {
      table_.library = std::string(text);
    } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
      annotation(lower(trimmed(text.substr(0, colon))), trimmed(text.substr(colon + 1)));
    }
  }

  // # Rank 0 Group 0 Pid 12 on host1 device 0 [0x1b] NVIDIA H100
  void rank(const std::vector<std::string_view>& words) {
    ++table_.ranks;
    const auto on = std::find(words.begin(), words.end(), "on");
    if (on != words.end() && on + 1 != words.end()) table_.hosts.insert(std::string(on[1]));
    auto name = std::find_if(words.begin(), words.end(),
                             [](std::string_view word) { return word.ends_with(']'); });
    if (name == words.end() || !table_.device.empty()) return;
    for (++name; name != words.end(); ++name) {
      table_.device += (table_.device.empty() ? "" : " ") + std::string(*name);
    }
  }

  // Comments of the form `key: value`, as people put above a table they share.
  void annotation(const std::string& key, std::string_view value) {
    const auto count = count_of(value);
    if (key == "op" || key == "collective") table_.name = std::string(value);
    if ((key == "gpus" || key == "ranks") && count && *count > 0) {
      table_.ranks = static_cast<std::uint32_t>(std::min<std::int64_t>(*count, 1 << 20));
    }
    if (key == "nodes" && count && *count > 0) {
      table_.nodes = static_cast<std::uint32_t>(std::min<std::int64_t>(*count, 1 << 20));
    }
    if (key == "gpu") table_.device = std::string(value);
    if (key == "nccl") table_.library = "NCCL " + std::string(value);
  }

  // size count type [redop] [root], then four figures out of place and four in place; some share
  // only the first three.
  void row(const std::vector<std::string_view>& words, std::size_t line) {
    std::size_t first = 2;
    while (first < words.size() && !number_of(words[first])) ++first;  // type, redop
    // The root is a whole number; a time never is without a point before a bandwidth with one.
    const std::size_t left = words.size() - std::min(first, words.size());
    const bool shared = left == 4 && words.back().find('.') != std::string_view::npos;  // bandwidth
    if (left == 9 || left == 5 || shared) ++first;
    const std::size_t figures = words.size() - std::min(first, words.size());
    const auto bytes = number_of(words[0]);
    if (!bytes || first < 3 || figures < (shared ? 3 : 4)) {
      warn(line, "the line is cut short or no row of the table; left out");
      return;
    }
    if ((figures >= 4 && failed(words[first + 3])) || (figures >= 8 && failed(words[first + 7]))) {
      warn(line, "the check found wrong results; left out");
      return;
    }
    const auto time = number_of(words[first]);
    const auto in_place = figures >= 8 ? number_of(words[first + 4]) : std::nullopt;
    if (!time && !in_place) {
      warn(line, fmt::format("'{}' is no time; left out", words[first]));
      return;
    }
    Row row{line, *bytes, time ? *time : *in_place, 0.0, lower(words[3]) == "sum"};
    const auto algorithm = number_of(words[first + 1]);
    const auto bus = number_of(words[first + 2]);
    if (algorithm && bus && *algorithm >= 1.0) row.ratio = *bus / *algorithm;
    table_.rows.push_back(row);
  }

  // A count of wrong values, or in older releases the largest deviation (1e-07), which is rounding.
  static bool failed(std::string_view wrong) {
    constexpr double kRounding = 0.1;
    const auto count = number_of(wrong);
    return count && *count > kRounding;
  }

  // The collective whose bus factor the printed bandwidths show.
  static std::optional<Kind> kind_by_ratio(const Table& table, std::uint32_t ranks) {
    const auto row = std::max_element(table.rows.begin(), table.rows.end(),
                                      [](const Row& a, const Row& b) { return a.ratio < b.ratio; });
    if (row->ratio <= 0.0 || ranks < 2) return std::nullopt;
    const auto near = [&](Kind kind) {
      return std::abs(row->ratio / bus_factor(kind, ranks) - 1.0) < 0.02;
    };
    if (row->reduces && ranks > 2 && near(Kind::all_reduce)) return Kind::all_reduce;
    if (row->reduces && near(Kind::reduce_scatter)) return Kind::reduce_scatter;
    return std::nullopt;  // gather and all-to-all, broadcast and sends look alike
  }

  void close() {
    const Table table = std::exchange(table_, {});
    if (table.rows.empty()) return;
    Sweep sweep;
    sweep.members = hints_.members > 0 ? hints_.members : table.ranks;
    const auto hosts = static_cast<std::uint32_t>(table.hosts.size());
    sweep.nodes = hints_.nodes > 0 ? hints_.nodes : std::max({1U, table.nodes, hosts});
    sweep.tool = "nccl-tests";
    sweep.library = table.library;
    sweep.device = table.device;
    std::optional<Kind> kind = kind_in(hints_.kind);
    if (!kind) kind = kind_in(table.name);
    if (!kind) kind = kind_in(hints_.name);
    if (!kind) kind = kind_by_ratio(table, sweep.members);
    if (!kind) {
      warn(table.rows.front().line,
           "which collective this table is of does not follow from it; left out (--kind)");
      return;
    }
    sweep.kind = *kind;
    for (const Row& row : table.rows) {
      add_point(sweep, row.bytes, row.microseconds, row.line, out_.warnings);
    }
    out_.sweeps.push_back(std::move(sweep));
  }

  const BenchmarkHints& hints_;
  Table table_;
  Benchmark out_;
};

}  // namespace

Benchmark read_nccl_text(std::string_view text, const BenchmarkHints& hints) {
  return NcclText(hints).read(text);
}

}  // namespace formats
