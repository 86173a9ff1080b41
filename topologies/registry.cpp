#include "topologies/registry.hpp"

#include <array>

#include "topologies/families.hpp"

namespace topologies {

namespace {

constexpr std::array kIntra{
    IntraFamily{IntraType::nvlink_switch, "nvlink_switch",
                "every device striped over NVSwitches: full rate between any two of a domain",
                &build_nvlink_switch, &check_nvlink_switch},
    IntraFamily{IntraType::nvlink_mesh, "nvlink_mesh",
                "NVLink cables between devices: all pairs of 2-4, hybrid cube mesh of 8 (DGX-1)",
                &build_nvlink_mesh, &check_nvlink_mesh},
    IntraFamily{IntraType::xgmi_mesh, "xgmi_mesh",
                "a link between every two devices, each with 1/(n-1) of a device's bandwidth",
                &build_xgmi_mesh, &check_xgmi_mesh},
    IntraFamily{IntraType::pcie, "pcie",
                "PCIe switches under one or two sockets, joined by an inter-socket link",
                &build_pcie_only, &check_pcie_only},
    IntraFamily{IntraType::none, "none",
                "devices of a server share nothing but their host and NICs", &build_none,
                &check_none},
};

constexpr std::array kFabrics{
    FabricFamily{FabricShape::single_switch, "single_switch", "all NICs on one crossbar",
                 &build_single_switch, &check_single_switch},
    FabricFamily{FabricShape::fat_tree, "fat_tree",
                 "two or three levels of switches, all NICs of a server on one leaf",
                 &build_fat_tree, &check_fat_tree},
    FabricFamily{FabricShape::rail_optimised, "rail_optimised",
                 "NIC i of each server of a unit on leaf i; other rails by NVLink first (PXN)",
                 &build_rail_optimised, &check_rail_optimised},
    FabricFamily{FabricShape::torus, "torus",
                 "devices on a grid with wrap, dimension-order routes the shorter way",
                 &build_torus, &check_torus},
};

}  // namespace

std::span<const IntraFamily> intra_families() { return kIntra; }
std::span<const FabricFamily> fabric_families() { return kFabrics; }

const IntraFamily& family_of(IntraType type) {
  for (const IntraFamily& family : kIntra) {
    if (family.type == type) return family;
  }
  throw sim::ContractViolation("no family for this intra-node type");
}

const FabricFamily& family_of(FabricShape shape) {
  for (const FabricFamily& family : kFabrics) {
    if (family.shape == shape) return family;
  }
  throw sim::ContractViolation("no family for this fabric shape");
}

}  // namespace topologies
