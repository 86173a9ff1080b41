#include "scenarios/calibration.hpp"

#include <fmt/core.h>

#include "scenarios/yaml_parser.hpp"

namespace scenarios {
namespace {

using collectives::CalibratedPoint;

const std::vector<Key<CalibratedPoint>> kPoint = {
    key<CalibratedPoint, &CalibratedPoint::kind>("kind", "required", "Which collective."),
    key<CalibratedPoint, &CalibratedPoint::members>("members", "required", "Ranks of the group.",
                                                    {2, 1 << 20}),
    key<CalibratedPoint, &CalibratedPoint::domains>(
        "domains", "1", "Nodes (NVLink domains) the group spans.", {1, 1 << 20}),
    key<CalibratedPoint, &CalibratedPoint::bytes>("bytes", "required",
                                                  "Buffer, as nccl-tests counts it.", {1, 1e15}),
    key<CalibratedPoint, &CalibratedPoint::time>("time", "required", "Measured time.",
                                                 {1, 3600e12}),
};

CalibratedPoint read_point(const Node& item, ReadContext& context) {
  CalibratedPoint point;
  std::map<std::string, Position> given;
  if (!item.is_mapping()) {
    context.diagnostics.error(item.at, "collectives", "a measurement must be a mapping",
                              "write {kind: all_reduce, members: 8, bytes: 1 MiB, time: 60 us}");
    return point;
  }
  read_mapping(item, "", calibration_keys(), context, point, &given);
  for (const char* needed : {"kind", "members", "bytes", "time"}) {
    if (item.find(needed) != nullptr) continue;
    context.diagnostics.error(item.at, "collectives",
                              fmt::format("the measurement lacks `{}`", needed));
  }
  return point;
}

}  // namespace

std::span<const Key<CalibratedPoint>> calibration_keys() { return kPoint; }

std::vector<CalibratedPoint> read_calibration(const std::string& path, Sources& sources,
                                              Diagnostics& diagnostics) {
  const std::uint32_t source =
      sources.add({path, read_regular_file(path), "calibration " + path, SourceKind::scenario});
  const Node root = parse_document(sources, source);
  const Node* list = root.find("collectives");
  if (list == nullptr || !list->is_sequence()) {
    diagnostics.fatal({source, 1, 1}, "a calibration file needs a `collectives:` list",
                      "`stepcast calibrate mpi --out FILE` writes one");
  }
  ReadContext context{diagnostics};
  std::vector<CalibratedPoint> points;
  for (const Node& item : list->items) points.push_back(read_point(item, context));
  return points;
}

}  // namespace scenarios
