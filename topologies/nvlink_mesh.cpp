// NVLink cables from device to device, without a switch.
//
// Two to four devices: all pairs, each device's links spread evenly (Polaris and Perlmutter nodes:
// 4 A100, 12 links of 25 GB/s, 4 to each peer; NVLink bridges join pairs of PCIe boards).
// Eight devices: the hybrid cube mesh of DGX-1 with V100, 6 links of 25 GB/s each.
#include <array>

#include "topologies/families.hpp"
#include "topologies/mesh.hpp"

namespace topologies {

namespace {

constexpr std::int64_t kCubeMembers = 8;
constexpr int kCubeLinks = 6;  // of a V100

// Links between GPUs of a DGX-1V, as nvidia-smi and NCCL's topology dump list them
// (github.com/NVIDIA/nccl issue 671).
constexpr std::array<int, kCubeMembers * kCubeMembers> kCubeLanes{0, 1, 1, 2, 2, 0, 0, 0,  //
                                                                  1, 0, 2, 1, 0, 2, 0, 0,  //
                                                                  1, 2, 0, 2, 0, 0, 1, 0,  //
                                                                  2, 1, 2, 0, 0, 0, 0, 1,  //
                                                                  2, 0, 0, 0, 0, 1, 1, 2,  //
                                                                  0, 2, 0, 0, 1, 0, 2, 1,  //
                                                                  0, 0, 1, 0, 1, 2, 0, 2,  //
                                                                  0, 0, 0, 1, 2, 1, 2, 0};

MeshPlan hybrid_cube_mesh(sim::Bandwidth per_device) {
  return {kCubeMembers, std::vector<int>(kCubeLanes.begin(), kCubeLanes.end()),
          per_device * (1.0 / kCubeLinks)};
}

}  // namespace

void build_nvlink_mesh(Assembly& assembly) {
  const sim::Bandwidth rate = assembly.spec.intra_bandwidth;
  const std::int64_t members = assembly.sizes.domain;
  build_mesh(assembly,
             members == kCubeMembers ? hybrid_cube_mesh(rate) : all_to_all(members, rate));
}

void check_nvlink_mesh(const ClusterSpec& spec, Problems& problems) {
  check_mesh_domain(spec, problems);
  const std::int64_t domain = Sizes(spec).domain;
  if (domain > 4 && domain != kCubeMembers) {
    problems.push_back("an NVLink mesh of " + std::to_string(domain) +
                       " GPUs: meshes exist for 2 to 4 (all pairs) and 8 (hybrid cube mesh)");
  }
}

}  // namespace topologies
