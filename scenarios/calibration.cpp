#include "scenarios/calibration.hpp"

#include <fmt/core.h>

#include "scenarios/yaml_parser.hpp"

namespace scenarios {
namespace {

using collectives::CalibratedFit;
using collectives::CalibratedPoint;
using collectives::FitSegment;

constexpr Range kMembers{2, 1 << 20};
constexpr Range kDomains{1, 1 << 20};

const std::vector<Key<CalibratedPoint>> kPoint = {
    key<CalibratedPoint, &CalibratedPoint::kind>("kind", "required", "Which collective."),
    key<CalibratedPoint, &CalibratedPoint::members>("members", "required", "Ranks of the group.",
                                                    kMembers),
    key<CalibratedPoint, &CalibratedPoint::domains>(
        "domains", "1", "Nodes (NVLink domains) the group spans.", kDomains),
    key<CalibratedPoint, &CalibratedPoint::bytes>("bytes", "required",
                                                  "Buffer, as nccl-tests counts it.", {1, 1e15}),
    key<CalibratedPoint, &CalibratedPoint::time>("time", "required", "Measured time.",
                                                 {1, 3600e12}),
};

const std::vector<Key<CalibratedFit>> kFit = {
    key<CalibratedFit, &CalibratedFit::kind>("kind", "required", "Which collective."),
    key<CalibratedFit, &CalibratedFit::members>("members", "required", "Ranks of the group.",
                                                kMembers),
    key<CalibratedFit, &CalibratedFit::domains>(
        "domains", "1", "Nodes (NVLink domains) the group spans.", kDomains),
    key<CalibratedFit, &CalibratedFit::call>(
        "call", "blocking", "nonblocking: for what overlaps with compute, where there is one."),
    key<CalibratedFit, &CalibratedFit::algorithm>(
        "algorithm", "default", "What ran; only `default`, the library's choice, is used."),
    key<CalibratedFit, &CalibratedFit::compute_share>(
        "compute_share", "the model's", "Part of a device's compute it takes while it runs.",
        {0, 1}),
    key<CalibratedFit, &CalibratedFit::segments>(
        "segments", "required", "One for each protocol, by size: a list as below."),
};

const std::vector<Key<FitSegment>> kSegment = {
    key<FitSegment, &FitSegment::from>("from", "0 B", "Smallest buffer.", {0, 1e15}),
    key<FitSegment, &FitSegment::latency>("latency", "0 s", "At no bytes.", {0, 3600e12}),
    key<FitSegment, &FitSegment::bandwidth>("bandwidth", "required",
                                            "time = latency + buffer / bandwidth.", {1, 1e18}),
};

void require(const Node& item, const char* list, std::initializer_list<const char*> keys,
             const char* what, Diagnostics& diagnostics) {
  for (const char* needed : keys) {
    if (item.find(needed) != nullptr) continue;
    diagnostics.error(item.at, list, fmt::format("{} lacks `{}`", what, needed));
  }
}

CalibratedPoint read_point(const Node& item, ReadContext& context) {
  CalibratedPoint point;
  if (!item.is_mapping()) {
    context.diagnostics.error(item.at, "collectives", "a measurement must be a mapping",
                              "write {kind: all_reduce, members: 8, bytes: 1 MiB, time: 60 us}");
    return point;
  }
  read_mapping(item, "", calibration_keys(), context, point, nullptr);
  require(item, "collectives", {"kind", "members", "bytes", "time"}, "the measurement",
          context.diagnostics);
  return point;
}

CalibratedFit read_fit(const Node& item, ReadContext& context) {
  CalibratedFit fit;
  if (!item.is_mapping()) {
    context.diagnostics.error(item.at, "fits", "a fit must be a mapping",
                              "`stepcast calibrate` writes them");
    return fit;
  }
  Node known = item;
  known.erase("quality");  // of the fit, for people
  read_mapping(known, "", fit_keys(), context, fit, nullptr);
  require(item, "fits", {"kind", "members", "segments"}, "the fit", context.diagnostics);
  const Node* segments = item.find("segments");
  if (segments == nullptr || !segments->is_sequence()) return fit;
  if (segments->items.empty()) {
    context.diagnostics.error(segments->at, "segments", "a fit needs a segment");
  }
  for (const Node& segment : segments->items) {
    require(segment, "segments", {"bandwidth"}, "the segment", context.diagnostics);
  }
  for (std::size_t i = 1; i < fit.segments.size(); ++i) {
    if (fit.segments[i - 1].from < fit.segments[i].from) continue;
    context.diagnostics.error(segments->items[i].at, "segments",
                              "segments must be in order of `from`");
  }
  return fit;
}

std::string text_of(const Node& root, const char* key) {
  const Node* found = root.find(key);
  return found != nullptr && found->is_scalar() ? found->text : std::string{};
}

template <class T>
void read_list(const Node& root, const char* name, T (*read)(const Node&, ReadContext&),
               ReadContext& context, std::vector<T>& out) {
  const Node* list = root.find(name);
  if (list == nullptr) return;
  if (!list->is_sequence()) {
    context.diagnostics.fatal(list->at, fmt::format("`{}` must be a list", name));
  }
  for (const Node& item : list->items) out.push_back(read(item, context));
}

Node parsed(const std::string& path, Position named_at, Sources& sources,
            Diagnostics& diagnostics) {
  const std::uint32_t source = sources.add({path, read_named_file(path, named_at, diagnostics),
                                            "calibration " + path, SourceKind::catalogue});
  return parse_document(sources, source);
}

}  // namespace

std::span<const Key<CalibratedPoint>> calibration_keys() { return kPoint; }
std::span<const Key<CalibratedFit>> fit_keys() { return kFit; }
std::span<const Key<FitSegment>> segment_keys() { return kSegment; }

CalibrationFile read_calibration(const std::string& path, Position named_at, Sources& sources,
                                 Diagnostics& diagnostics) {
  const Node root = parsed(path, named_at, sources, diagnostics);
  const bool some = root.find("collectives") || root.find("fits") || root.find("device");
  if (!some) {
    diagnostics.fatal({root.at.source, 1, 1},
                      "a calibration file needs `fits:`, `collectives:` or `device:`",
                      "`stepcast calibrate mpi --out FILE` writes one");
  }
  ReadContext context{diagnostics};
  CalibrationFile out;
  out.origin = {path, text_of(root, "made"), text_of(root, "machine"), text_of(root, "method"),
                text_of(root, "reliable") != "false"};
  read_list(root, "collectives", &read_point, context, out.collectives.points);
  read_list(root, "fits", &read_fit, context, out.collectives.fits);
  return out;
}

Node read_calibrated_device(const std::string& path, Position named_at, Sources& sources,
                            Diagnostics& diagnostics) {
  const Node root = parsed(path, named_at, sources, diagnostics);
  const Node* device = root.find("device");
  return device == nullptr ? Node{} : *device;
}

}  // namespace scenarios
