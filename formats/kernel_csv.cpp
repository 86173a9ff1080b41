// Kernel timings: a header of `kernel,m,n,k,batch,precision,bytes,time_us` in any order, columns
// that a file does not need may be missing. kernel: gemm, or stream (bytes read and written).
#include <fmt/format.h>

#include <algorithm>

#include "formats/benchmark_text.hpp"

namespace formats {
namespace {

using models::Precision;

constexpr std::pair<std::string_view, Precision> kPrecisionNames[] = {
    {"fp32", Precision::fp32}, {"tf32", Precision::tf32}, {"fp16", Precision::fp16},
    {"bf16", Precision::bf16}, {"fp8", Precision::fp8},   {"fp4", Precision::fp4}};

constexpr std::int64_t kLargestSize = 1 << 24;

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (;;) {
    const std::size_t comma = line.find(',');
    cells.push_back(trimmed(line.substr(0, comma)));
    if (comma == std::string_view::npos) return cells;
    line.remove_prefix(comma + 1);
  }
}

class KernelCsv {
 public:
  Benchmark read(std::string_view text) {
    std::size_t number = 0;
    for (const std::string_view line : lines_of(text)) {
      ++number;
      const std::string_view content = trimmed(line);
      if (content.empty() || content.starts_with('#')) continue;
      const auto cells = cells_of(content);
      if (header_.empty()) {
        for (const std::string_view cell : cells) header_.push_back(lower(cell));
        continue;
      }
      if (const std::string problem = row(cells); !problem.empty()) {
        out_.warnings.push_back({number, problem + "; left out"});
      }
    }
    finish(out_);
    return std::move(out_);
  }

 private:
  std::string_view cell(const std::vector<std::string_view>& cells, std::string_view name) const {
    const auto found = std::find(header_.begin(), header_.end(), name);
    const auto index = static_cast<std::size_t>(found - header_.begin());
    return index < cells.size() ? cells[index] : std::string_view{};
  }

  // Stores the row; what is wrong with it, or an empty string.
  std::string row(const std::vector<std::string_view>& cells) {
    if (cells.size() != header_.size()) {
      return fmt::format("{} cells under {} columns", cells.size(), header_.size());
    }
    KernelTiming timing;
    const std::string kernel = lower(cell(cells, "kernel"));
    if (kernel != "gemm" && kernel != "stream") {
      return fmt::format("kernel '{}' is neither gemm nor stream", kernel);
    }
    timing.gemm = kernel == "gemm";
    const auto time = number_of(cell(cells, "time_us"));
    if (!time || *time <= 0.0)
      return fmt::format("time_us '{}' is no time", cell(cells, "time_us"));
    timing.seconds = *time * 1e-6;
    const std::string problem = timing.gemm ? shape(cells, timing) : moved(cells, timing);
    if (problem.empty()) out_.kernels.push_back(timing);
    return problem;
  }

  std::string shape(const std::vector<std::string_view>& cells, KernelTiming& timing) const {
    const auto size = [&](std::string_view name, std::int64_t& out) {
      const auto count = count_of(cell(cells, name));
      if (count) out = *count;
      return count && *count >= 1 && *count <= kLargestSize;
    };
    if (!size("m", timing.m) || !size("n", timing.n) || !size("k", timing.k)) {
      return "m, n and k must be sizes of at least 1";
    }
    if (!cell(cells, "batch").empty() && !size("batch", timing.batch)) return "batch is no count";
    const std::string word = lower(cell(cells, "precision"));
    const auto found = std::find_if(std::begin(kPrecisionNames), std::end(kPrecisionNames),
                                    [&](const auto& name) { return name.first == word; });
    if (found == std::end(kPrecisionNames)) return fmt::format("precision '{}' is unknown", word);
    timing.precision = found->second;
    return {};
  }

  std::string moved(const std::vector<std::string_view>& cells, KernelTiming& timing) const {
    const auto bytes = number_of(cell(cells, "bytes"));
    if (!bytes || *bytes < 1.0 || *bytes > 1e15) return "bytes must be at least 1";
    timing.bytes = sim::Bytes::ceil(*bytes);
    return {};
  }

  std::vector<std::string> header_;
  Benchmark out_;
};

}  // namespace

Benchmark read_kernel_csv(std::string_view text, const BenchmarkHints&) {
  return KernelCsv().read(text);
}

}  // namespace formats
