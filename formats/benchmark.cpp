#include "formats/benchmark.hpp"

#include <algorithm>

#include "formats/benchmark_text.hpp"

namespace formats {
namespace {

bool has_csv_header(std::string_view text) {
  for (const std::string_view line : lines_of(text)) {
    const std::string_view content = trimmed(line);
    if (content.empty() || content.starts_with('#')) continue;
    const std::string header = lower(content);
    return header.find("kernel") != std::string::npos && header.find(',') != std::string::npos;
  }
  return false;
}

}  // namespace

Benchmark read_benchmark(std::string_view text, const BenchmarkHints& hints) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') return read_nccl_json(text, hints);
  if (text.find("# OSU") != std::string_view::npos) return read_osu(text, hints);
  if (has_csv_header(text)) return read_kernel_csv(text, hints);
  return read_nccl_text(text, hints);
}

}  // namespace formats
