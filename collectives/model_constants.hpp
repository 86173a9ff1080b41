// What a collective really costs, as few numbers per kind of device and of network: fitted to
// published nccl-tests sweeps by collectives/fit/fit.py (docs/collectives.md has the method and the
// errors on sweeps left out of the fit). model_constants.inc is written by that script.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "collectives/library.hpp"

namespace collectives {

// Inside a domain. Latencies in us on top of the link's own, rates as a part of the data sheet's.
enum class DeviceField : std::uint8_t {
  launch,  // start and end of the kernel on all members
  hop_ll,  // one step to a neighbour, per protocol
  hop_ll128,
  hop_simple,
  ll_efficiency,  // rings and chains, per protocol
  ll128_efficiency,
  ring_efficiency,  // with Simple
  p2p_efficiency,   // grouped sends and receives
  p2p_channel,      // GB/s, what a pair gets at first in a group of eight
  nvls_latency,     // all steps through the switch
  nvls_efficiency,
  fill_bytes,   // MB until the pipeline is full (cost.cpp)
  fill_factor,  // extra time per byte until then, in bytes at the full rate
};
inline constexpr std::array<std::string_view, 13> kDeviceFields{
    "launch",           "hop_ll",          "hop_ll128",      "hop_simple",  "ll_efficiency",
    "ll128_efficiency", "ring_efficiency", "p2p_efficiency", "p2p_channel", "nvls_latency",
    "nvls_efficiency",  "fill_bytes",      "fill_factor"};

// Between domains.
enum class NetworkField : std::uint8_t {
  hop_ll,  // one level of a tree, per protocol
  hop_ll128,
  hop_simple,
  ring_step_ll,  // what a ring takes for each message that passes a network link, per protocol
  ring_step_ll128,
  ring_step_simple,
  rise_ll,     // what a message of LL takes more from 16 KiB on than at 2 KiB
  blend,       // exponent that joins a ring's latency and bytes: 1 their sum, large their maximum
  efficiency,  // of the NICs' rate, Simple and LL128
  tree_efficiency,  // the same of trees over more than two domains
  ll_efficiency,    // the same with LL, whose small messages some networks hardly sustain
  message,          // us per peer of grouped sends and receives
  inject,           // the same of messages up to 128 bytes, against longer ones
  p2p_efficiency,   // of the NICs' rate, grouped sends and receives
  fill_bytes,       // of trees, sends and receives
  fill_factor,
};
inline constexpr std::array<std::string_view, 16> kNetworkFields{
    "hop_ll",          "hop_ll128",        "hop_simple",    "ring_step_ll",
    "ring_step_ll128", "ring_step_simple", "rise_ll",       "blend",
    "efficiency",      "tree_efficiency",  "ll_efficiency", "message",
    "inject",          "p2p_efficiency",   "fill_bytes",    "fill_factor"};

struct DeviceModel {
  std::string_view name;
  std::array<double, kDeviceFields.size()> value;
  double operator[](DeviceField field) const { return value[static_cast<std::size_t>(field)]; }
};

struct NetworkModel {
  std::string_view name;  // "generation/network"; "*/network" stands in for the others
  std::array<double, kNetworkFields.size()> value;
  double operator[](NetworkField field) const { return value[static_cast<std::size_t>(field)]; }
};

struct ModelConstants {
  std::vector<DeviceModel> devices;
  std::vector<NetworkModel> networks;
};

// The committed constants.
const ModelConstants& model_constants();

// The rows that apply to a fabric. pcie and xgmi stand for any device on such links.
const DeviceModel& device_model(const ModelConstants& constants, const Fabric& fabric);
const NetworkModel& network_model(const ModelConstants& constants, const Fabric& fabric);

}  // namespace collectives
