// A cluster as the network file of ASTRA-sim's analytical backend: dimensions of Ring,
// FullyConnected or Switch, the first between neighbouring ranks.
//
// As it reads them (astra-network-analytical): bandwidth is a link's in one direction, latency a
// link's, and a switch is two links away from itself (congestion_aware/basic-topology); every
// dimension has at least two members. Written as JSON, which is YAML too: older versions read the
// one, newer ones the other.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "formats/format.hpp"
#include "scenarios/reader.hpp"

namespace formats {
namespace {

using topologies::FabricShape;
using topologies::IntraType;

double gigabytes(sim::Bandwidth rate) { return rate.bytes_per_second() / 1e9; }
double nanoseconds(sim::Time time) { return time.seconds() * 1e9; }

class Dimensions {
 public:
  explicit Dimensions(const scenarios::Scenario& scenario)
      : scenario_(scenario), cluster_(scenario.cluster) {
    if (cluster_.gpus < 2) refuse("one GPU has no network", "cluster.gpus: 2 or more");
    if (cluster_.fabric == FabricShape::torus) {
      torus();
    } else {
      std::int64_t joined = scale_up();
      joined = inside_servers(joined);
      between_servers(joined);
    }
    losses();
  }

  std::string text() const {
    return fmt::format(
        "{{\n  \"topology\": [\"{}\"],\n  \"npus_count\": [{}],\n  \"bandwidth\": [{}],\n"
        "  \"latency\": [{}]\n}}\n",
        fmt::join(kinds_, "\", \""), fmt::join(members_, ", "), numbers(bandwidths_),
        numbers(latencies_));
  }
  std::vector<Note> take_notes() { return std::move(notes_); }

 private:
  static std::string numbers(const std::vector<double>& values) {
    std::vector<std::string> out;
    for (const double value : values) out.push_back(fmt::format("{:.10g}", value));
    return fmt::format("{}", fmt::join(out, ", "));
  }

  [[noreturn]] void refuse(std::string message, std::string hint) const {
    throw scenarios::ScenarioError(
        scenarios::ErrorKind::invalid_input,
        {{scenario_.files.empty() ? scenario_.name : scenario_.files.front(), 0, 0, "cluster",
          std::move(message), std::move(hint), ""}});
  }
  void note(std::string text) { notes_.push_back({0, std::move(text)}); }

  void add(std::string kind, std::int64_t members, sim::Bandwidth bandwidth, sim::Time latency) {
    if (members < 2) return;
    kinds_.push_back(std::move(kind));
    members_.push_back(members);
    bandwidths_.push_back(gigabytes(bandwidth));
    latencies_.push_back(nanoseconds(latency));
  }
  // Half the latency from member to member is on each of its two links.
  void add_switch(std::int64_t members, sim::Bandwidth bandwidth, sim::Time latency) {
    add("Switch", members, bandwidth, sim::Time::ps(latency.count() / 2));
  }

  sim::Bandwidth share_of_nics() const {
    return cluster_.nic_bandwidth * (static_cast<double>(cluster_.nics_per_node) /
                                     static_cast<double>(cluster_.gpus_per_node));
  }

  // As topologies/torus.cpp: two ports a dimension; two devices are joined by both of theirs.
  void torus() {
    const bool own = cluster_.intra_bandwidth.bytes_per_second() > 0.0;
    const sim::Bandwidth port = (own ? cluster_.intra_bandwidth : share_of_nics()) *
                                (0.5 / static_cast<double>(cluster_.torus.size()));
    const bool timed = cluster_.intra_latency > sim::Time::zero();
    for (const std::int64_t extent : cluster_.torus) {
      add("Ring", extent, extent == 2 ? port * 2.0 : port,
          timed ? cluster_.intra_latency : cluster_.inter_latency);
    }
  }

  // The GPUs that NVLink, xGMI or the PCIe of a server joins. Returns how many.
  std::int64_t scale_up() {
    const std::int64_t domain =
        cluster_.nvlink_domain > 0 ? cluster_.nvlink_domain : cluster_.gpus_per_node;
    const std::int64_t size = std::min(domain, cluster_.gpus);
    switch (cluster_.intra) {
      case IntraType::none:
        return 1;
      case IntraType::pcie:
        note("the PCIe switches and sockets of a server are one switch");
        add_switch(std::min(cluster_.gpus_per_node, cluster_.gpus), cluster_.intra_bandwidth,
                   cluster_.intra_latency);
        return std::min(cluster_.gpus_per_node, cluster_.gpus);
      case IntraType::nvlink_switch:
        add_switch(size, cluster_.intra_bandwidth, cluster_.intra_latency);
        break;
      case IntraType::nvlink_mesh:
        if (size == 8) note("the cube mesh of eight GPUs is written as joining all pairs");
        [[fallthrough]];
      case IntraType::xgmi_mesh:
        add("FullyConnected", size,
            cluster_.intra_bandwidth *
                (1.0 / static_cast<double>(std::max<std::int64_t>(1, size - 1))),
            cluster_.intra_latency);
        break;
    }
    if (cluster_.gpus % size != 0) {
      refuse(fmt::format("{} GPUs are no multiple of the {} that NVLink joins: ASTRA-sim's "
                         "dimensions are all full",
                         cluster_.gpus, size),
             fmt::format("cluster.gpus: {}", (cluster_.gpus / size + 1) * size));
    }
    return size;
  }

  // Several NVLink domains in a server reach each other over PCIe.
  std::int64_t inside_servers(std::int64_t joined) {
    const std::int64_t server = std::min(cluster_.gpus_per_node, cluster_.gpus);
    if (joined >= server || cluster_.pcie_bandwidth.bytes_per_second() <= 0.0) return joined;
    note("the PCIe switches and sockets of a server are one switch");
    add_switch(server / joined, cluster_.pcie_bandwidth, cluster_.intra_latency);
    return server;
  }

  void between_servers(std::int64_t joined) {
    if (joined >= cluster_.gpus) return;
    if (cluster_.nics_per_node == 0) refuse("there is no network between the servers", "");
    add_switch(cluster_.gpus / joined, share_of_nics(), cluster_.inter_latency);
    const std::int64_t servers = cluster_.gpus / cluster_.gpus_per_node;
    if (cluster_.fabric != FabricShape::single_switch && servers > cluster_.nodes_per_leaf) {
      note("the switches between servers are one: further hops and shared uplinks are left out");
    }
    if (cluster_.oversubscription > 1.0) {
      note(fmt::format("oversubscription of {} is left out", cluster_.oversubscription));
    }
  }

  void losses() {
    if (!scenario_.faults.slow_links.empty()) note("faults.slow_links are left out");
    note("what the communication library adds (launch, protocols, channels) is not in the file");
    if (kinds_.size() > 1) {
      note(
          fmt::format("{} dimensions: older versions of AstraSim_Analytical_Congestion_Aware take "
                      "one, AstraSim_Analytical_Congestion_Unaware all",
                      kinds_.size()));
    }
  }

  const scenarios::Scenario& scenario_;
  const topologies::ClusterSpec& cluster_;
  std::vector<std::string> kinds_;
  std::vector<std::int64_t> members_;
  std::vector<double> bandwidths_, latencies_;
  std::vector<Note> notes_;
};

}  // namespace

std::vector<Note> export_astra_network(const scenarios::Scenario& scenario, const FileSink& file) {
  Dimensions dimensions(scenario);
  file("", dimensions.text());
  return dimensions.take_notes();
}

}  // namespace formats
