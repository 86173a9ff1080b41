#include "reports/trace_names.hpp"

#include <fmt/format.h>

#include <array>

#include "strategies/mesh.hpp"
#include "strategies/program.hpp"

namespace reports {
namespace {

struct Track {
  strategies::Stream stream;
  std::size_t number;
  std::string_view label;
};

constexpr std::size_t kReceiveTrack = 25;

constexpr std::array<Track, strategies::kStreams> kTracks{{
    {strategies::Stream::compute, 7, "compute"},
    {strategies::Stream::tensor, 20, "tensor parallel"},
    {strategies::Stream::context, 21, "context parallel"},
    {strategies::Stream::expert, 22, "expert parallel"},
    {strategies::Stream::pipeline, 24, "pipeline send"},
    {strategies::Stream::gather, 28, "parameter gather"},
    {strategies::Stream::reduce, 29, "gradient reduce"},
    {strategies::Stream::maxima, 30, "fp8 maxima"},
    {strategies::Stream::copy, 40, "copy to host"},
    {strategies::Stream::fetch, 41, "copy from host"},
    {strategies::Stream::host, 42, "host"},
}};

struct CollectiveName {
  std::string_view in_slice;
  std::string_view kernel;
  std::string_view kineto;
};

constexpr std::array kCollectives{
    CollectiveName{"all-reduce", "AllReduce", "allreduce"},
    CollectiveName{"all-gather", "AllGather", "_allgather_base"},
    CollectiveName{"reduce-scatter", "ReduceScatter", "_reduce_scatter_base"},
    CollectiveName{"broadcast", "Broadcast", "broadcast"},
    CollectiveName{"all-to-all", "SendRecv", "all_to_allv"},
};

bool receives(const scenarios::Slice& slice) {
  return slice.name.find("receive") != std::string::npos ||
         slice.name.find("recv") != std::string::npos;
}

CollectiveName collective_of(const scenarios::Slice& slice) {
  for (const CollectiveName& entry : kCollectives) {
    if (slice.name.find(entry.in_slice) != std::string::npos) return entry;
  }
  return {"", "SendRecv", receives(slice) ? "recv" : "send"};
}

}  // namespace

TraceName trace_name(const scenarios::Slice& slice) {
  const auto stream = static_cast<strategies::Stream>(slice.stream);
  if (stream == strategies::Stream::compute) return {"kernel", slice.name, ""};
  if (stream == strategies::Stream::host) return {"cpu_op", slice.name, ""};
  if (stream == strategies::Stream::copy || stream == strategies::Stream::fetch) {
    const bool to_host = slice.name.find("to host") != std::string::npos;
    return {"gpu_memcpy", fmt::format("Memcpy {} ({})", to_host ? "DtoH" : "HtoD", slice.name), ""};
  }
  const CollectiveName collective = collective_of(slice);
  return {"kernel", fmt::format("ncclDevKernel_{} ({})", collective.kernel, slice.name),
          collective.kineto};
}

std::size_t base_track(const scenarios::Slice& slice) {
  const auto stream = static_cast<strategies::Stream>(slice.stream);
  if (stream == strategies::Stream::pipeline && receives(slice)) return kReceiveTrack;
  for (const Track& track : kTracks) {
    if (track.stream == stream) return track.number;
  }
  return kTracks.front().number;
}

std::string_view stream_label(std::size_t track) {
  if (track == kReceiveTrack) return "pipeline receive";
  for (const Track& entry : kTracks) {
    if (entry.number == track) return entry.label;
  }
  return "";
}

std::string rank_label(const scenarios::Report& report, std::int64_t rank) {
  const strategies::Mesh mesh = strategies::dense_mesh(report.scenario.plan);
  const std::int64_t per_node = std::max<std::int64_t>(report.scenario.cluster.gpus_per_node, 1);
  const auto at = [&](strategies::Axis axis) { return mesh.coordinate(rank, axis); };
  return fmt::format("rank {} · node {} · gpu {} · pp {} dp {} cp {} tp {}", rank, rank / per_node,
                     rank % per_node, at(strategies::Axis::pp), at(strategies::Axis::dp),
                     at(strategies::Axis::cp), at(strategies::Axis::tp));
}

}  // namespace reports
