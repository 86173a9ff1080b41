// What communication and kernel benchmarks of other tools print, read into measurements. Whatever
// is unusable (truncated lines, failed checks, impossible times) is left out with a warning; the
// rest is kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectives/library.hpp"
#include "models/precision.hpp"

namespace formats {

struct BenchmarkWarning {
  std::size_t line = 0;  // 1-based; 0 = the file as a whole
  std::string message;
};

struct BenchmarkPoint {
  sim::Bytes bytes;  // as nccl-tests counts the buffer (collectives/collective.hpp)
  double seconds = 0.0;
};

// One collective of one group over sizes.
struct Sweep {
  collectives::Kind kind = collectives::Kind::all_reduce;
  std::uint32_t members = 0;
  std::uint32_t nodes = 1;
  std::string tool;     // "nccl-tests", "OSU micro-benchmarks 7.3"
  std::string library;  // "NCCL 2.21.5", or empty
  std::string device;   // "NVIDIA H100 80GB HBM3", or empty
  std::vector<BenchmarkPoint> points;
};

// One kernel of a shape: a matrix product (m x k)(k x n) or `bytes` moved.
struct KernelTiming {
  bool gemm = true;
  std::int64_t m = 0, n = 0, k = 0, batch = 1;
  models::Precision precision = models::Precision::bf16;
  sim::Bytes bytes;
  double seconds = 0.0;
};

struct Benchmark {
  std::vector<Sweep> sweeps;
  std::vector<KernelTiming> kernels;
  std::vector<BenchmarkWarning> warnings;
};

// What the file does not say itself.
struct BenchmarkHints {
  std::string name;           // of the file: all_reduce_perf.txt says which collective
  std::uint32_t members = 0;  // 0 = not given
  std::uint32_t nodes = 0;
  std::string kind;  // all_reduce, …; empty = not given
};

// Finds out which of the formats below it is. Sweeps that lack a kind or a group size, and files of
// no known format, give only warnings.
Benchmark read_benchmark(std::string_view text, const BenchmarkHints& hints);

Benchmark read_nccl_text(std::string_view text, const BenchmarkHints& hints);  // and RCCL-tests
Benchmark read_nccl_json(std::string_view text, const BenchmarkHints& hints);  // nccl-tests -J
Benchmark read_osu(std::string_view text, const BenchmarkHints& hints);
// A header `kernel,m,n,k,batch,precision,bytes,time_us`; kernel is gemm or stream.
Benchmark read_kernel_csv(std::string_view text, const BenchmarkHints& hints);

}  // namespace formats
