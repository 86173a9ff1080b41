#include "collectives/model_constants.hpp"

#include "sim/contracts.hpp"

namespace collectives {
namespace {

std::string_view name_of(Generation generation) {
  switch (generation) {
    case Generation::volta:
      return "volta";
    case Generation::ampere:
      return "ampere";
    case Generation::hopper:
      return "hopper";
    case Generation::blackwell:
      return "blackwell";
    case Generation::other:
      return "other";
  }
  return "other";
}

std::string_view name_of(Network network) {
  switch (network) {
    case Network::infiniband:
      return "infiniband";
    case Network::roce:
      return "roce";
    case Network::efa:
      return "efa";
    case Network::slingshot:
      return "slingshot";
    case Network::ethernet:
      return "ethernet";
    case Network::omnipath:
      return "omnipath";
  }
  return "infiniband";
}

std::string_view links_of(const Fabric& fabric) {
  switch (fabric.intra) {
    case Interconnect::pcie:
    case Interconnect::none:
      return "pcie";
    case Interconnect::xgmi_mesh:
      return "xgmi";
    case Interconnect::nvlink_switch:
    case Interconnect::nvlink_mesh:
      break;
  }
  return name_of(fabric.generation);
}

bool is(std::string_view name, std::string_view generation, std::string_view network) {
  const std::size_t slash = name.find('/');
  return name.substr(0, slash) == generation && name.substr(slash + 1) == network;
}

}  // namespace

const ModelConstants& model_constants() {
  static const ModelConstants constants{
#include "collectives/model_constants.inc"
  };
  return constants;
}

const DeviceModel& device_model(const ModelConstants& constants, const Fabric& fabric) {
  const std::string_view wanted = links_of(fabric);
  for (const DeviceModel& row : constants.devices) {
    if (row.name == wanted) return row;
  }
  for (const DeviceModel& row : constants.devices) {
    if (row.name == "ampere") return row;
  }
  SIM_EXPECTS(false, "the constants lack the row that stands in for unknown devices");
}

const NetworkModel& network_model(const ModelConstants& constants, const Fabric& fabric) {
  const std::string_view generation = name_of(fabric.generation);
  const std::string_view network = name_of(fabric.inter);
  for (const NetworkModel& row : constants.networks) {
    if (is(row.name, generation, network)) return row;
  }
  for (const NetworkModel& row : constants.networks) {
    if (is(row.name, "*", network)) return row;
  }
  // RoCE and Omni-Path without data of their own: the same verbs, or close to them.
  for (const NetworkModel& row : constants.networks) {
    if (is(row.name, "*", "infiniband")) return row;
  }
  SIM_EXPECTS(false, "the constants lack the row that stands in for unknown networks");
}

}  // namespace collectives
