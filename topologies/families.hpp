// The functions behind the tables of registry.cpp, one .cpp a family.
#pragma once

#include <string>
#include <vector>

#include "topologies/assembly.hpp"

namespace topologies {

using Problems = std::vector<std::string>;

// Inside a domain of devices.
void build_nvlink_switch(Assembly& assembly);
void check_nvlink_switch(const ClusterSpec& spec, Problems& problems);
void build_nvlink_mesh(Assembly& assembly);
void check_nvlink_mesh(const ClusterSpec& spec, Problems& problems);
void build_xgmi_mesh(Assembly& assembly);
void check_xgmi_mesh(const ClusterSpec& spec, Problems& problems);
void build_pcie_only(Assembly& assembly);
void check_pcie_only(const ClusterSpec& spec, Problems& problems);
void build_none(Assembly& assembly);
void check_none(const ClusterSpec& spec, Problems& problems);

// Inside a server, whatever joins the devices: PCIe switches, hosts, NICs.
void build_pcie_tree(Assembly& assembly);

// Between servers.
void build_single_switch(Assembly& assembly);
void check_single_switch(const ClusterSpec& spec, Problems& problems);
void build_fat_tree(Assembly& assembly);
void check_fat_tree(const ClusterSpec& spec, Problems& problems);
void build_rail_optimised(Assembly& assembly);
void check_rail_optimised(const ClusterSpec& spec, Problems& problems);
void build_torus(Assembly& assembly);
void check_torus(const ClusterSpec& spec, Problems& problems);

}  // namespace topologies
