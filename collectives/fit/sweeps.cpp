#include "collectives/fit/sweeps.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string_view>

namespace collectives {
namespace {

// One launch by a process that drives several GPUs: 8.7, 16.3 and 31.4 us for 2, 4 and 8 GPUs
// (echo_azure sweeps), 87 us for all_to_all of 8 (superbench), whose sends are grouped by the host.
constexpr double kLaunchUs = 4.1;
constexpr double kGroupedLaunchUs = 10.9;

using Row = std::map<std::string, std::string>;

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find(',', begin), line.size());
    cells.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return cells;
}

std::vector<Row> read_csv(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) throw std::runtime_error("cannot read " + path);
  const std::vector<std::string> header = split(line);
  std::vector<Row> rows;
  while (std::getline(file, line)) {
    const std::vector<std::string> cells = split(line);
    if (cells.size() != header.size()) throw std::runtime_error(path + ": " + line);
    Row& row = rows.emplace_back();
    for (std::size_t i = 0; i < cells.size(); ++i) row[header[i]] = cells[i];
  }
  return rows;
}

double number(const Row& row, const std::string& key) {
  const std::string& text = row.at(key);
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw std::runtime_error("not a number: " + key + " " + text);
  }
  return value;
}

template <class E, std::size_t N>
E choice(const std::string& text, const std::string_view (&names)[N]) {
  const auto found = std::find(std::begin(names), std::end(names), text);
  if (found == std::end(names)) throw std::runtime_error("unknown name: " + text);
  return static_cast<E>(found - std::begin(names));
}

constexpr std::string_view kKinds[] = {"all_reduce", "all_gather", "reduce_scatter",
                                       "all_to_all", "broadcast",  "send_recv"};
constexpr std::string_view kGenerations[] = {"volta", "ampere", "hopper", "blackwell", "other"};
constexpr std::string_view kLinks[] = {"nvlink_switch", "nvlink_mesh", "xgmi_mesh", "pcie", "none"};
constexpr std::string_view kNetworks[] = {"infiniband", "roce",     "efa",
                                          "slingshot",  "ethernet", "omnipath"};

Fabric fabric_of(const Row& row) {
  Fabric fabric;
  fabric.intra = choice<Interconnect>(row.at("intra"), kLinks);
  fabric.inter = choice<Network>(row.at("inter"), kNetworks);
  fabric.generation = choice<Generation>(row.at("generation"), kGenerations);
  fabric.intra_bandwidth = sim::Bandwidth::gb_per_s(number(row, "intra_gbs"));
  fabric.intra_latency = sim::Time::from_seconds(number(row, "intra_us") * 1e-6);
  fabric.inter_bandwidth = sim::Bandwidth::gb_per_s(number(row, "inter_gbs"));
  fabric.domain_size = static_cast<std::uint32_t>(number(row, "domain"));
  fabric.nics_per_domain = static_cast<std::uint32_t>(number(row, "nics"));
  fabric.inter_latency = sim::Time::from_seconds(number(row, "inter_us") * 1e-6);
  fabric.plugin_latency = sim::Time::from_seconds(number(row, "plugin_us") * 1e-6);
  fabric.multicast = row.at("multicast") == "1";
  return fabric;
}

Sweep sweep_of(const Row& row) {
  Sweep sweep;
  sweep.name = row.at("sweep");
  sweep.system = row.at("system");
  sweep.role = row.at("role");
  sweep.quality = row.at("quality");
  sweep.kind = choice<Kind>(row.at("kind"), kKinds);
  sweep.fabric = fabric_of(row);
  const auto members = static_cast<std::uint32_t>(number(row, "members"));
  const auto domains = static_cast<std::uint32_t>(number(row, "domains"));
  sweep.group = {members, domains, (members + domains - 1) / domains, members / domains};
  sweep.gpus_per_process = static_cast<std::uint32_t>(number(row, "gpus_per_process"));
  sweep.version = row.at("version");
  return sweep;
}

}  // namespace

std::vector<Sweep> read_sweeps(const std::string& directory) {
  std::vector<Sweep> sweeps;
  std::map<std::string, std::size_t> index;
  for (const Row& row : read_csv(directory + "/nccl_sweeps.csv")) {
    index[row.at("sweep")] = sweeps.size();
    sweeps.push_back(sweep_of(row));
  }
  for (const Row& row : read_csv(directory + "/nccl_points.csv")) {
    sweeps.at(index.at(row.at("sweep")))
        .points.push_back(
            {static_cast<std::int64_t>(number(row, "bytes")), number(row, "time_us")});
  }
  return sweeps;
}

double predicted_us(const Sweep& sweep, std::int64_t bytes, const ModelConstants& constants,
                    std::string* what) {
  LibraryProfile library;
  library.version = sweep.version;
  const Price price =
      price_with(constants, sweep.kind, sweep.group, sim::Bytes{bytes}, sweep.fabric, library);
  if (what) *what = std::string(price.algorithm->name) + "/" + std::string(price.protocol);
  double us = price.total().seconds() * 1e6;
  if (sweep.gpus_per_process > 1) {
    const double launch = sweep.kind == Kind::all_to_all ? kGroupedLaunchUs : kLaunchUs;
    us = std::max(us, launch * sweep.gpus_per_process);
  }
  return us;
}

}  // namespace collectives
