#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "apps/simulation.hpp"
#include "apps/watch.hpp"
#include "reports/json.hpp"
#include "reports/table.hpp"
#include "reports/text.hpp"
#include "scenarios/reader.hpp"
#include "topologies/analysis.hpp"
#include "topologies/drawing.hpp"

namespace apps {
namespace {

using nlohmann::ordered_json;
using topologies::latency_text;
using topologies::rate_text;

constexpr std::array kLinkKinds{sim::LinkKind::nvlink, sim::LinkKind::pcie, sim::LinkKind::nic,
                                sim::LinkKind::fabric};

sim::DeviceId device(std::int64_t rank, const sim::Machine& machine) {
  if (rank >= static_cast<std::int64_t>(machine.devices.size())) {
    throw UsageError(fmt::format("there is no device {}: the machine has {}, from 0", rank,
                                 machine.devices.size()));
  }
  return sim::DeviceId(static_cast<std::size_t>(rank));
}

// The device a first device is compared with: its neighbour in the node, and the last one.
std::vector<std::pair<std::string, sim::DeviceId>> landmarks(const sim::Machine& machine) {
  std::vector<std::pair<std::string, sim::DeviceId>> out;
  const std::size_t count = machine.devices.size();
  if (count > 1) out.emplace_back("device 0 to its neighbour", sim::DeviceId(1));
  if (count > 2) {
    out.emplace_back(fmt::format("device 0 to device {}", count - 1), sim::DeviceId(count - 1));
  }
  return out;
}

ordered_json path_json(const topologies::Path& path) {
  ordered_json hops = ordered_json::array();
  for (const topologies::Hop& hop : path.hops) {
    hops.push_back({{"from", hop.from},
                    {"to", hop.to},
                    {"kind", topologies::name(hop.kind)},
                    {"bytes_per_s", hop.capacity.bytes_per_second()},
                    {"latency_s", reports::exact_seconds(hop.latency)}});
  }
  return {{"bytes_per_s", path.bandwidth.bytes_per_second()},
          {"latency_s", reports::exact_seconds(path.latency)},
          {"hops", std::move(hops)}};
}

std::string path_text(const topologies::Path& path) {
  reports::Table table({{"from", reports::Align::left},
                        {"to", reports::Align::left},
                        {"link", reports::Align::left},
                        {"bandwidth"},
                        {"latency"}});
  for (const topologies::Hop& hop : path.hops) {
    table.row({hop.from, hop.to, std::string(topologies::name(hop.kind)), rate_text(hop.capacity),
               latency_text(hop.latency)});
  }
  return table.text() + fmt::format("bandwidth {}, latency {}\n", rate_text(path.bandwidth),
                                    latency_text(path.latency));
}

std::string route(const TopologyOptions& options, const sim::Machine& machine) {
  if (options.from == options.to) {
    throw UsageError(
        fmt::format("--from {} --to {}: there is no route to oneself", options.from, options.to));
  }
  const topologies::Path path =
      topologies::path_between(machine, device(options.from, machine), device(options.to, machine));
  if (options.format != Format::json) return path_text(path);
  ordered_json out{{"from", options.from}, {"to", options.to}};
  out.update(path_json(path));
  return reports::dump(out);
}

std::string overview_json(const scenarios::ClusterAndDevice& read, const sim::Machine& machine) {
  const topologies::Inventory inventory = topologies::inventory(machine);
  ordered_json links = ordered_json::object();
  for (const sim::LinkKind kind : kLinkKinds) {
    links[topologies::name(kind)] = inventory.links[static_cast<std::size_t>(kind)];
  }
  ordered_json routes = ordered_json::array();
  for (const auto& [label, to] : landmarks(machine)) {
    ordered_json entry{{"from", 0}, {"to", to.value()}};
    entry.update(path_json(topologies::path_between(machine, sim::DeviceId(0), to)));
    routes.push_back(std::move(entry));
  }
  return reports::dump(
      {{"schema_version", 1},
       {"name", read.cluster.name},
       {"device", read.device.name},
       {"devices", machine.devices.size()},
       {"nodes", inventory.nodes},
       {"nvlink_domains", inventory.nvlink_domains},
       {"links", std::move(links)},
       {"connected", topologies::connected(machine)},
       {"bisection_bytes_per_s", topologies::bisection(machine).bytes_per_second()},
       {"routes", std::move(routes)}});
}

std::string overview(const scenarios::ClusterAndDevice& read, const sim::Machine& machine) {
  const topologies::Inventory inventory = topologies::inventory(machine);
  std::string out = topologies::text_tree(machine) + "\n";
  reports::Table table({{"", reports::Align::left}, {""}, {"", reports::Align::left}});
  table.row({"devices", reports::grouped(static_cast<std::int64_t>(machine.devices.size())),
             read.device.name});
  table.row({"nodes", reports::grouped(inventory.nodes), ""});
  table.row({"NVLink domains", reports::grouped(inventory.nvlink_domains), ""});
  for (const sim::LinkKind kind : kLinkKinds) {
    const std::int64_t count = inventory.links[static_cast<std::size_t>(kind)];
    if (count == 0) continue;
    table.row({fmt::format("{} links", topologies::name(kind)), reports::grouped(count),
               "both directions"});
  }
  for (const auto& [label, to] : landmarks(machine)) {
    const topologies::Path path = topologies::path_between(machine, sim::DeviceId(0), to);
    table.row({label, rate_text(path.bandwidth), latency_text(path.latency)});
  }
  table.row({"bisection", rate_text(topologies::bisection(machine)), "one direction"});
  return out + table.text();
}

}  // namespace

int execute(const TopologyOptions& options) {
  Watch watch({0.0, {}, false});
  limit_memory(0);
  const auto read = scenarios::read_cluster(options.cluster, {.set = options.set, .catalogue = {}});
  watch.activity("building the machine");
  const sim::Machine machine = topologies::build_machine(read.cluster);
  if (options.dot) {
    std::ostringstream out;
    topologies::write_dot(machine, out);
    print(out.str());
  } else if (options.from >= 0) {
    print(route(options, machine));
  } else {
    print(options.format == Format::json ? overview_json(read, machine) : overview(read, machine));
  }
  return kOk;
}

}  // namespace apps
