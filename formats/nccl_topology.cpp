// A topology that NCCL or RCCL dumped, as the `cluster:` of a scenario.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "formats/format.hpp"
#include "formats/nccl_topology.hpp"
#include "scenarios/reader.hpp"

namespace formats {
namespace {

class Importer {
 public:
  Importer(const ImportRequest& request, Topology topology)
      : request_(request), topology_(std::move(topology)) {
    for (std::size_t i = 0; i < topology_.gpus.size(); ++i) {
      index_[{topology_.gpus[i].host, topology_.gpus[i].bus}] = i;
    }
  }

  Imported run() {
    gpus_per_node();
    device();
    scale_up();
    network();
    note(0, "GPUs that did not take part in the job are not in the file");
    note(0, request_.cluster.empty()
                ? "the fabric and latencies are not in the file: as usual for the network"
                : fmt::format("the fabric and latencies are those of {}", request_.cluster));
    note(0, "model, training and strategy are placeholders: set them");
    return {text(), std::move(notes_)};
  }

 private:
  void note(std::size_t line, std::string text) { notes_.push_back({line, std::move(text)}); }

  const TopologyGpu& gpu() const { return topology_.gpus.front(); }
  std::int64_t count() const { return static_cast<std::int64_t>(topology_.gpus.size()); }

  void gpus_per_node() {
    std::map<std::size_t, std::int64_t> of_host;
    for (const TopologyGpu& each : topology_.gpus) ++of_host[each.host];
    for (const auto& [host, gpus] : of_host) per_node_ = std::max(per_node_, gpus);
    if (of_host.size() > 1) note(0, fmt::format("{} servers in one file", of_host.size()));
    std::map<std::size_t, std::int64_t> of_root;
    for (const TopologyGpu& each : topology_.gpus) ++of_root[each.root];
    std::set<std::int64_t> sizes;
    for (const auto& [root, gpus] : of_root) sizes.insert(gpus);
    per_switch_ = *sizes.rbegin();
    if (sizes.size() > 1) {
      note(0, fmt::format("{} to {} GPUs on a PCIe root port: taken as {}", *sizes.begin(),
                          per_switch_, per_switch_));
    }
  }

  void device() {
    for (const TopologyGpu& each : topology_.gpus) {
      if (each.device == gpu().device && each.capability == gpu().capability) continue;
      note(each.line, "another device than the first one: all are taken as the first");
      break;
    }
    device_ = catalogue_device(gpu());
    if (!device_.empty()) return;
    if (request_.cluster.empty()) {
      assume_device();
    } else {
      note(gpu().line, fmt::format("PCI device {} {} is not known: the device of {} is taken",
                                   gpu().vendor, gpu().device, request_.cluster));
    }
  }

  void assume_device() {
    const CudaGeneration* generation = generation_of(gpu());
    if (generation == nullptr) {
      throw scenarios::ScenarioError(
          scenarios::ErrorKind::invalid_input,
          {{request_.file, static_cast<int>(gpu().line), gpu().column, "",
            fmt::format("PCI device {} {} is not known", gpu().vendor, gpu().device),
            "--cluster NAME takes the device of that cluster (`stepcast list clusters`)", ""}});
    }
    device_ = generation->device;
    note(gpu().line,
         fmt::format("PCI device '{} {}' is not known: {} is assumed from compute capability {}",
                     gpu().vendor, gpu().device, device_, gpu().capability));
  }

  void scale_up() {
    std::int64_t fewest = INT64_MAX, most = 0;
    bool switched = false, xgmi = false;
    for (TopologyGpu& each : topology_.gpus) {
      std::erase_if(each.nvlinks, [&](const NvLink& link) { return leads_away(each, link); });
      std::int64_t links = 0;
      for (const NvLink& link : each.nvlinks) {
        links += link.count;
        switched = switched || link.to_switch;
      }
      fewest = std::min(fewest, links);
      most = std::max(most, links);
      xgmi = xgmi || each.xgmi;
    }
    const CudaGeneration* generation = generation_of(gpu());
    if (xgmi || (generation == nullptr && most > 0)) {
      intra_ = "type: xgmi";
    } else if (fewest == 0 || generation == nullptr || generation->nvlink == 0.0) {
      if (most > 0) note(gpu().line, "some GPUs have no NVLink: taken as joined by PCIe alone");
      pcie_only();
    } else if (switched) {
      nvlink("nvlink_switch", fewest, most, generation->nvlink);
      domain_ = count();
      if (topology_.hosts > 1) note(0, "NVLink is taken to join all of the servers");
    } else {
      mesh(fewest, most, generation->nvlink);
    }
    host_link();
  }

  // To a GPU that is not in the file.
  bool leads_away(const TopologyGpu& from, const NvLink& link) const {
    return !link.to_switch && !index_.contains({from.host, link.target});
  }

  void nvlink(std::string_view type, std::int64_t fewest, std::int64_t most, double each) {
    intra_ = fmt::format("type: {}, bandwidth: {} GB/s", type, static_cast<double>(fewest) * each);
    if (fewest < most) {
      note(gpu().line, fmt::format("{} to {} NVLinks a GPU: taken as {}", fewest, most, fewest));
    }
  }

  // Cables from GPU to GPU, where they join all GPUs of a server, or equal parts of it.
  void mesh(std::int64_t fewest, std::int64_t most, double each) {
    const std::set<std::int64_t> sizes = joined();
    const std::int64_t size = *sizes.rbegin();
    if (sizes.size() == 1 && ((size >= 2 && size <= 4) || size == 8) && per_node_ % size == 0) {
      domain_ = size;
      return nvlink("nvlink_mesh", fewest, most, each);
    }
    note(gpu().line, fmt::format("NVLink joins {} to {} of {} GPUs: a mesh has 2 to 4, or 8; taken "
                                 "as joined by PCIe alone",
                                 *sizes.begin(), size, per_node_));
    pcie_only();
  }

  // How many GPUs cables join, of each such part of the server.
  std::set<std::int64_t> joined() const {
    std::vector<std::size_t> next(topology_.gpus.size());
    std::iota(next.begin(), next.end(), std::size_t{0});
    const auto part = [&](std::size_t i) {
      while (next[i] != i) i = next[i] = next[next[i]];
      return i;
    };
    for (std::size_t i = 0; i < topology_.gpus.size(); ++i) {
      const TopologyGpu& from = topology_.gpus[i];
      for (const NvLink& link : from.nvlinks) {
        next[part(index_.at({from.host, link.target}))] = part(i);
      }
    }
    std::map<std::size_t, std::int64_t> members;
    for (std::size_t i = 0; i < next.size(); ++i) ++members[part(i)];
    std::set<std::int64_t> sizes;
    for (const auto& [first, gpus] : members) sizes.insert(gpus);
    return sizes;
  }

  void pcie_only() {
    const PcieSlot slot = pcie_slot(gpu());
    intra_ = slot.gigabytes == 0.0
                 ? "type: pcie"
                 : fmt::format("type: {}, bandwidth: {:.4g} GB/s", slot.type, slot.gigabytes);
  }

  void host_link() {
    if (gpu().beside_cpu) return;  // it reaches the host over NVLink
    if (const PcieSlot slot = pcie_slot(gpu()); slot.gigabytes > 0.0) {
      pcie_ = fmt::format("  pcie: {:.4g} GB/s\n", slot.gigabytes);
    } else {
      note(gpu().line,
           "the speed of the PCIe link is not in the file: that of the device is taken");
    }
  }

  void network() {
    std::int64_t fastest = 0;
    for (const TopologyNet& net : topology_.nets) fastest = std::max(fastest, net.megabits);
    std::map<std::size_t, std::int64_t> of_host;
    const TopologyNet* first = nullptr;
    for (const TopologyNet& net : topology_.nets) {
      if (net.megabits < fastest) {
        note(net.line, fmt::format("{} of {} Gb/s is left out: others have {} Gb/s", net.name,
                                   gigabits(net.megabits), gigabits(fastest)));
        continue;
      }
      if (first == nullptr) first = &net;
      ++of_host[net.host];
    }
    if (first == nullptr || fastest == 0) {
      note(0, "no network of a known speed in the file: ports as usual for the device");
      return;
    }
    std::int64_t ports = 0;
    for (const auto& [host, nets] : of_host) ports = std::max(ports, nets);
    inter_ = fmt::format("  inter_node: {{type: {}, nics_per_node: {}, bandwidth: {} Gb/s}}\n",
                         network_type(*first), ports, gigabits(fastest));
  }

  static double gigabits(std::int64_t megabits) { return static_cast<double>(megabits) / 1000.0; }

  std::string text() const {
    const std::int64_t gpus = request_.gpus > 0 ? request_.gpus : count();
    const std::string preset =
        request_.cluster.empty() ? "" : fmt::format("  preset: {}\n", request_.cluster);
    const std::string device = device_.empty() ? "" : fmt::format("  device: {}\n", device_);
    return fmt::format(
        "name: a cluster from NCCL's topology\nmodel: gpt2\ncluster:\n{}{}  gpus: {}\n"
        "  gpus_per_node: {}\n  nvlink_domain: {}\n"
        "  intra_node: {{{}, gpus_per_pcie_switch: {}}}\n{}{}"
        "training:\n  global_batch: {}\nstrategy:\n  zero: 3\nimplementation: fsdp\n",
        preset, device, gpus, per_node_, domain_ > 0 ? domain_ : per_node_, intra_, per_switch_,
        pcie_, inter_, gpus);
  }

  const ImportRequest& request_;
  Topology topology_;
  std::map<std::pair<std::size_t, std::string>, std::size_t> index_;  // by host and PCI address
  std::vector<Note> notes_;
  std::int64_t per_node_ = 0, per_switch_ = 0, domain_ = 0;
  std::string device_, intra_, pcie_, inter_;  // parts of the text
};

}  // namespace

Imported import_nccl_topology(const ImportRequest& request) {
  return Importer(request, read_topology(request.text, request.file)).run();
}

}  // namespace formats
