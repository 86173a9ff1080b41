// OSU micro-benchmarks:
//   # OSU MPI Allreduce Latency Test v5.9
//   # Size       Avg Latency(us)   [Min Latency(us)   Max Latency(us)  Iterations]
//   4                       1.02
// How many ranks took part is nowhere in it. Allgather and alltoall print what a rank sends to each
// other one; osu_latency a message one way; osu_bw a rate with many messages on their way.
#include <fmt/format.h>

#include "formats/benchmark_text.hpp"

namespace formats {
namespace {

using collectives::Kind;

struct Test {
  Kind kind = Kind::all_reduce;
  bool pairs = false;      // point to point: two ranks
  bool rate = false;       // the column is MB/s
  bool per_other = false;  // sizes are per other rank
};

// By the words of the heading; nothing when it is a test this has no use for.
std::optional<Test> test_of(std::string_view heading, std::string_view kind_hint) {
  const std::string name = lower(heading);
  Test test;
  const bool blocking = name.find(" non-blocking") == std::string::npos;
  if (const auto kind = kind_in(kind_hint)) {
    test.kind = *kind;
  } else if (const auto found = kind_in(name)) {
    test.kind = *found;
  } else if (name.find("bandwidth test") != std::string::npos ||
             name.find("latency test") != std::string::npos) {
    if (name.find("reduce") != std::string::npos || name.find("bi-") != std::string::npos ||
        name.find("gather") != std::string::npos || name.find("scatter") != std::string::npos ||
        name.find("barrier") != std::string::npos) {
      return std::nullopt;
    }
    test.kind = Kind::send_recv;
    test.pairs = true;
    test.rate = name.find("bandwidth") != std::string::npos;
  } else {
    return std::nullopt;
  }
  test.per_other = test.kind == Kind::all_gather || test.kind == Kind::all_to_all;
  return blocking ? std::optional(test) : std::nullopt;
}

class Osu {
 public:
  explicit Osu(const BenchmarkHints& hints) : hints_(hints) {}

  Benchmark read(std::string_view text) {
    std::size_t number = 0;
    for (const std::string_view line : lines_of(text)) {
      ++number;
      const std::string_view content = trimmed(line);
      if (content.starts_with("# OSU")) {
        heading(trimmed(content.substr(1)), number);
      } else if (!content.empty() && content.front() != '#') {
        row(words_of(content), number);
      }
    }
    finish(out_);
    return std::move(out_);
  }

 private:
  void heading(std::string_view text, std::size_t line) {
    test_ = test_of(text, hints_.kind);
    if (!test_) {
      out_.warnings.push_back({line, fmt::format("'{}' is of no use here; left out", text)});
      return;
    }
    Sweep& sweep = out_.sweeps.emplace_back();
    sweep.kind = test_->kind;
    sweep.members = test_->pairs ? 2 : hints_.members;
    sweep.nodes = std::max(1U, hints_.nodes);
    const std::size_t version = text.rfind(" v");
    sweep.tool = "OSU micro-benchmarks";
    if (version != std::string_view::npos) {
      sweep.tool += " " + std::string(text.substr(version + 2));
    }
  }

  void row(const std::vector<std::string_view>& words, std::size_t line) {
    if (!test_) return;
    const auto bytes = number_of(words[0]);
    const auto value = words.size() > 1 ? number_of(words[1]) : std::nullopt;
    if (!bytes || !value || *value <= 0.0) {
      out_.warnings.push_back({line, "the line is cut short or no row of the table; left out"});
      return;
    }
    Sweep& sweep = out_.sweeps.back();
    const double factor = test_->per_other ? std::max(1U, sweep.members) : 1.0;
    const double time = test_->rate ? *bytes / *value : *value;  // bytes / (MB/s) = us
    add_point(sweep, *bytes * factor, time, line, out_.warnings);
  }

  const BenchmarkHints& hints_;
  std::optional<Test> test_;
  Benchmark out_;
};

}  // namespace

Benchmark read_osu(std::string_view text, const BenchmarkHints& hints) {
  return Osu(hints).read(text);
}

}  // namespace formats
