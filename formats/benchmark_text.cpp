#include "formats/benchmark_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace formats {
namespace {

using collectives::Kind;

// No link of today moves more a second, and no call returns sooner.
constexpr double kFastestBus = 1e14;
constexpr double kShortest = 1e-8;  // s
constexpr double kLongest = 3600.0;
constexpr double kLargest = 1e15;  // bytes

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

template <class T>
std::optional<T> parsed(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A larger buffer that takes less than this of the time of a smaller one is a bad measurement.
constexpr double kFallsTo = 0.5;

void warn_of_falling_times(const Sweep& sweep, std::vector<BenchmarkWarning>& warnings) {
  for (std::size_t i = 1; i < sweep.points.size(); ++i) {
    const BenchmarkPoint& before = sweep.points[i - 1];
    const BenchmarkPoint& now = sweep.points[i];
    if (now.bytes == before.bytes || now.seconds >= kFallsTo * before.seconds) continue;
    warnings.push_back(
        {0, fmt::format("{}: {} bytes take {:.1f} us, but {} bytes only {:.1f} us",
                        collectives::name(sweep.kind), before.bytes.count(), before.seconds * 1e6,
                        now.bytes.count(), now.seconds * 1e6)});
  }
}

}  // namespace

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < line.size();) {
    if (is_space(line[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < line.size() && !is_space(line[end])) ++end;
    words.push_back(line.substr(i, end - i));
    i = end;
  }
  return words;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::optional<double> number_of(std::string_view text) {
  const std::optional<double> value = parsed<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<std::int64_t> count_of(std::string_view text) { return parsed<std::int64_t>(text); }

std::optional<Kind> kind_in(std::string_view name) {
  std::string plain;
  for (const char c : lower(name)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) plain += c;
  }
  // The longer names first: reduce_scatter is no reduce.
  constexpr std::pair<std::string_view, Kind> kNames[] = {
      {"reducescatter", Kind::reduce_scatter},
      {"allreduce", Kind::all_reduce},
      {"allgather", Kind::all_gather},
      {"alltoall", Kind::all_to_all},
      {"all2all", Kind::all_to_all},
      {"broadcast", Kind::broadcast},
      {"bcast", Kind::broadcast},
      {"sendrecv", Kind::send_recv},
      {"sendreceive", Kind::send_recv},
  };
  for (const auto& [word, kind] : kNames) {
    if (plain.find(word) != std::string::npos) return kind;
  }
  return std::nullopt;
}

double bus_factor(Kind kind, std::uint32_t members) {
  const double n = std::max(1U, members);
  switch (kind) {
    case Kind::all_reduce:
      return 2.0 * (n - 1.0) / n;
    case Kind::broadcast:
    case Kind::send_recv:
      return 1.0;
    default:
      return (n - 1.0) / n;
  }
}

void add_point(Sweep& sweep, double bytes, double microseconds, std::size_t line,
               std::vector<BenchmarkWarning>& warnings) {
  if (bytes == 0.0) return;  // nccl-tests prints a size that is below a byte a rank as 0
  const double seconds = microseconds * 1e-6;
  const bool sane = bytes > 0.0 && bytes <= kLargest && seconds >= kShortest && seconds <= kLongest;
  if (!sane || bytes / seconds > kFastestBus) {
    warnings.push_back(
        {line, fmt::format("{} bytes in {} us cannot be; left out", bytes, microseconds)});
    return;
  }
  sweep.points.push_back({sim::Bytes{static_cast<std::int64_t>(bytes)}, seconds});
}

void finish(Benchmark& benchmark) {
  for (Sweep& sweep : benchmark.sweeps) {
    std::stable_sort(
        sweep.points.begin(), sweep.points.end(),
        [](const BenchmarkPoint& a, const BenchmarkPoint& b) { return a.bytes < b.bytes; });
    warn_of_falling_times(sweep, benchmark.warnings);
  }
  std::erase_if(benchmark.sweeps, [&](const Sweep& sweep) {
    if (sweep.points.empty()) return true;
    if (sweep.members < 2) {
      benchmark.warnings.push_back(
          {0, fmt::format("{}: how many ranks took part is not in the file; left out (--ranks)",
                          collectives::name(sweep.kind))});
    }
    return sweep.members < 2;
  });
  if (benchmark.sweeps.empty() && benchmark.kernels.empty() && benchmark.warnings.empty()) {
    benchmark.warnings.push_back({0, "no measurement in this file"});
  }
}

}  // namespace formats
