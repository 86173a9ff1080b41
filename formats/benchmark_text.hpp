// Pieces that the benchmark readers share.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/benchmark.hpp"

namespace formats {

std::vector<std::string_view> lines_of(std::string_view text);  // without line ends
std::vector<std::string_view> words_of(std::string_view line);
std::string_view trimmed(std::string_view text);
std::string lower(std::string_view text);

// The whole text as a number; nothing for "nan", "inf", "N/A" and rests.
std::optional<double> number_of(std::string_view text);
std::optional<std::int64_t> count_of(std::string_view text);

// The collective that a name such as all_reduce_perf, AllReduce, alltoall or "Reduce_scatter"
// contains.
std::optional<collectives::Kind> kind_in(std::string_view name);

// Bytes that pass every member's port per byte of buffer: bus bandwidth over algorithm bandwidth
// (nccl-tests, doc/PERFORMANCE.md).
double bus_factor(collectives::Kind kind, std::uint32_t members);

// Adds the point, or a warning why it cannot be true.
void add_point(Sweep& sweep, double bytes, double microseconds, std::size_t line,
               std::vector<BenchmarkWarning>& warnings);

// Sorts sweeps and drops those without points, kind or group; warns of times that fall as sizes
// grow.
void finish(Benchmark& benchmark);

}  // namespace formats
