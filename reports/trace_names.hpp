// The names that trace viewers and HTA go by: which stream, which kind of kernel, which collective.
#pragma once

#include <string>
#include <string_view>

#include "scenarios/report.hpp"

namespace reports {

struct TraceName {
  std::string_view category;    // kernel, gpu_memcpy or user_annotation
  std::string name;             // HTA: communication starts with "nccl", copies with "Memcpy"
  std::string_view collective;  // of communication kernels, as Kineto writes it; else empty
};

TraceName trace_name(const scenarios::Slice& slice);

// The thread of a slice: 7 is PyTorch's default compute stream.
std::size_t base_track(const scenarios::Slice& slice);
std::string_view stream_label(std::size_t track);

// "rank 12 · node 1 · gpu 4 · pp 2 dp 0 cp 0 tp 4"
std::string rank_label(const scenarios::Report& report, std::int64_t rank);

}  // namespace reports
