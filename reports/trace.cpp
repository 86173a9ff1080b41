#include "reports/trace.hpp"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>

#include "reports/file.hpp"
#include "reports/trace_names.hpp"

namespace reports {
namespace {

using scenarios::Report;
using scenarios::Slice;
using Buffer = fmt::memory_buffer;

constexpr std::size_t kStepTrack = 1;     // the host's thread in Kineto traces
constexpr std::size_t kLaneStride = 100;  // a second lane of stream s is s + 100

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::int64_t nanoseconds(sim::Time time) { return time.count() / 1000; }

// Microseconds with three decimals, by integers only: readers take the text literally.
void put_us(Buffer& out, std::int64_t ns) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}.{:03}"), ns / 1000, ns % 1000);
}

void put_args(Buffer& out, const Slice& slice, std::size_t track) {
  const auto at = std::back_inserter(out);
  fmt::format_to(at, FMT_COMPILE(R"({{"device": {}, "stream": {}, "phase": {})"), slice.rank, track,
                 json_text(slice.category));
  if (slice.layer >= 0) fmt::format_to(at, FMT_COMPILE(R"(, "layer": {})"), slice.layer);
  if (slice.chunk >= 0) fmt::format_to(at, FMT_COMPILE(R"(, "chunk": {})"), slice.chunk);
  if (slice.micro_batch >= 0) {
    fmt::format_to(at, FMT_COMPILE(R"(, "micro-batch": {})"), slice.micro_batch);
  }
  if (slice.flops > 0.0) fmt::format_to(at, FMT_COMPILE(R"(, "flops": {})"), slice.flops);
  if (slice.bytes > sim::Bytes{}) {
    fmt::format_to(at, FMT_COMPILE(R"(, "bytes": {})"), slice.bytes.count());
  }
  const TraceName name = trace_name(slice);
  if (!name.collective.empty()) {
    fmt::format_to(at, FMT_COMPILE(R"(, "Collective name": {})"), json_text(name.collective));
  }
  out.push_back('}');
}

void put_slice(Buffer& out, const Slice& slice, std::size_t track) {
  const std::int64_t start = nanoseconds(slice.start);
  const TraceName name = trace_name(slice);
  fmt::format_to(std::back_inserter(out),
                 FMT_COMPILE(R"({{"ph": "X", "cat": {}, "name": {}, "pid": {}, "tid": {}, "ts": )"),
                 json_text(name.category), json_text(name.name), slice.rank, track);
  put_us(out, start);
  fmt::format_to(std::back_inserter(out), R"(, "dur": )");
  put_us(out, nanoseconds(slice.finish) - start);
  fmt::format_to(std::back_inserter(out), R"(, "args": )");
  put_args(out, slice, track);
  fmt::format_to(std::back_inserter(out), "}},\n");
}

// Slices of one stream go to the first lane that is free when they start.
class Lanes {
 public:
  std::size_t track(std::size_t base, const Slice& slice) {
    for (std::size_t lane = 0;; ++lane) {
      const std::size_t track = base + lane * kLaneStride;
      if (free_at_.size() <= track) free_at_.resize(track + 1);
      if (free_at_[track] > slice.start) continue;
      free_at_[track] = slice.finish;
      return track;
    }
  }
  bool used(std::size_t track) const {
    return track < free_at_.size() && free_at_[track] > sim::Time::zero();
  }
  std::size_t count() const { return free_at_.size(); }

 private:
  std::vector<sim::Time> free_at_;
};

void put_name(Buffer& out, const char* what, std::int64_t rank, std::size_t track,
              const std::string& name) {
  fmt::format_to(std::back_inserter(out),
                 R"({{"ph": "M", "name": "{}", "pid": {}, "tid": {}, "args": {{"name": {}}}}},)"
                 "\n",
                 what, rank, track, json_text(name));
}

void put_names(Buffer& out, const Report& report, std::int64_t rank, const Lanes& lanes) {
  put_name(out, "process_name", rank, 0, rank_label(report, rank));
  put_name(out, "thread_name", rank, kStepTrack, "step");
  for (std::size_t track = 0; track < lanes.count(); ++track) {
    if (lanes.used(track)) {
      put_name(out, "thread_name", rank, track,
               fmt::format("stream {} {}", track, stream_label(track % kLaneStride)));
    }
  }
  fmt::format_to(std::back_inserter(out),
                 R"({{"ph": "M", "name": "process_sort_index", "pid": {0}, "tid": 0, )"
                 R"("args": {{"sort_index": {0}}}}},)"
                 "\n",
                 rank);
}

void put_memory(Buffer& out, const Report& report, std::int64_t rank) {
  for (const scenarios::MemorySample& sample : report.memory_samples) {
    if (sample.rank != rank) continue;
    fmt::format_to(std::back_inserter(out),
                   R"({{"ph": "C", "name": "memory GiB", "pid": {}, "tid": 0, "ts": )", rank);
    put_us(out, nanoseconds(sample.at));
    fmt::format_to(std::back_inserter(out), R"(, "args": {{)");
    for (std::size_t c = 0; c < sim::kMemoryCategories; ++c) {
      fmt::format_to(std::back_inserter(out), R"({}"{}": {:.3f})", c > 0 ? ", " : "",
                     sim::kMemoryCategoryNames[c], sample.amounts[c].gib());
    }
    fmt::format_to(std::back_inserter(out), "}}}},\n");
  }
}

void put_rank(Buffer& out, const Report& report, std::int64_t rank) {
  std::vector<const Slice*> slices;
  for (const Slice& slice : report.slices) {
    if (slice.rank == rank) slices.push_back(&slice);
  }
  std::stable_sort(slices.begin(), slices.end(),
                   [](const Slice* a, const Slice* b) { return a->start < b->start; });
  Lanes lanes;
  for (const Slice* slice : slices) put_slice(out, *slice, lanes.track(base_track(*slice), *slice));
  put_names(out, report, rank, lanes);
  put_memory(out, report, rank);
  // One step marker a rank; two or more would make HTA look for kernel launches.
  fmt::format_to(std::back_inserter(out),
                 R"({{"ph": "X", "cat": "user_annotation", "name": "ProfilerStep#0", "pid": {}, )"
                 R"("tid": {}, "ts": 0.000, "dur": )",
                 rank, kStepTrack);
  put_us(out, nanoseconds(report.step_time));
  fmt::format_to(std::back_inserter(out), R"(, "args": {{}}}})");
}

// Before the events: HTA stops looking for it at "traceEvents", and wants a blank after "rank":.
void put_head(Buffer& out, const Report& report, std::int64_t rank) {
  const models::Device& device = report.scenario.device;
  fmt::format_to(
      std::back_inserter(out),
      "{{\n\"schemaVersion\": 1,\n"
      R"("deviceProperties": [{{"id": 0, "name": {}, "totalGlobalMem": {}, "numSms": {}}}],)"
      "\n\"distributedInfo\": {{\"backend\": \"nccl\", \"rank\": {}, \"world_size\": {}}},\n"
      "\"simulator\": {{\"tool\": \"stepcast\", \"version\": \"{}\", \"scenario\": {}}},\n"
      "\"displayTimeUnit\": \"ms\",\n\"traceEvents\": [\n",
      json_text(device.name), device.usable_memory.count(), device.sm_count, rank,
      report.fold.ranks, STEPCAST_VERSION, json_text(report.scenario.name));
}

}  // namespace

std::vector<std::int64_t> traced_ranks(const Report& report) {
  std::vector<std::int64_t> ranks;
  for (const Slice& slice : report.slices) ranks.push_back(slice.rank);
  std::sort(ranks.begin(), ranks.end());
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  return ranks;
}

std::string trace_text(const Report& report, std::span<const std::int64_t> ranks) {
  Buffer out;
  put_head(out, report, ranks.empty() ? 0 : ranks.front());
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (i > 0) fmt::format_to(std::back_inserter(out), ",\n");
    put_rank(out, report, ranks[i]);
  }
  fmt::format_to(std::back_inserter(out), "\n]\n}}\n");
  return fmt::to_string(out);
}

std::vector<std::string> write_trace(const Report& report, const std::string& path) {
  const std::vector<std::int64_t> ranks = traced_ranks(report);
  if (!path.ends_with('/')) {
    write_file(path, trace_text(report, ranks));
    return {path};
  }
  std::vector<std::string> files;
  for (const std::int64_t rank : ranks) {
    files.push_back(fmt::format("{}rank-{}.json.gz", path, rank));
    write_file(files.back(), trace_text(report, std::span(&rank, 1)));
  }
  return files;
}

}  // namespace reports
