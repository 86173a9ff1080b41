// Timelines of chosen ranks as Chrome trace events in the conventions of Kineto (the profiler of
// PyTorch): opens in Perfetto, chrome://tracing and, one file a rank, in Holistic Trace Analysis.
//
// Times are microseconds with three decimals: picoseconds are cut to nanoseconds at both ends of a
// slice, so neighbours never overlap. pid = rank, tid = a stream; slices of one tid never overlap.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "scenarios/report.hpp"

namespace reports {

// Ranks the report has slices of, ascending.
std::vector<std::int64_t> traced_ranks(const scenarios::Report& report);

std::string trace_text(const scenarios::Report& report, std::span<const std::int64_t> ranks);

// A file, or where `path` ends in '/' one file a rank in that folder. A name ending in .gz is
// compressed. Returns the files written. Throws OutputError.
std::vector<std::string> write_trace(const scenarios::Report& report, const std::string& path);

}  // namespace reports
