// How a communication library (NCCL and its like) runs a collective on real links: which algorithm
// and protocol it picks, the latency it pays, and the rate its channels sustain.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectives/collective.hpp"
#include "sim/units.hpp"

namespace collectives {

enum class Interconnect : std::uint8_t { nvlink_switch, nvlink_mesh, xgmi_mesh, pcie, none };
enum class Network : std::uint8_t { infiniband, roce, efa, slingshot, ethernet, omnipath };
enum class Generation : std::uint8_t { volta, ampere, hopper, blackwell, other };

// The links a group can use, as their data sheets rate them, per member and in one direction.
struct Fabric {
  Interconnect intra = Interconnect::nvlink_switch;
  Network inter = Network::infiniband;
  Generation generation = Generation::hopper;
  sim::Bandwidth intra_bandwidth;  // per device
  sim::Time intra_latency;         // one hop
  sim::Bandwidth inter_bandwidth;  // of one domain: all its NICs together
  std::uint32_t domain_size = 8;   // devices per domain (NVLink domain or server)
  std::uint32_t nics_per_domain = 8;
  sim::Time inter_latency;   // one hop through the network
  sim::Time plugin_latency;  // what the network plugin adds (EFA), else 0
  bool multicast = false;    // the switch reduces and multicasts (NVLS, Hopper on)
};

// Measured instead of modelled times (scenarios: cluster.calibration): single measurements, and
// fits of many, which come first.
struct CalibratedPoint {
  Kind kind = Kind::all_reduce;
  std::uint32_t members = 0;
  std::uint32_t domains = 1;
  sim::Bytes bytes;
  sim::Time time;
};

// Whether the caller waits inside the call, or computes and asks now and then.
enum class Call : std::uint8_t { blocking, nonblocking };

// Sizes from `from` bytes up to the next segment, over which one protocol runs:
// time = latency + bytes / bandwidth.
struct FitSegment {
  sim::Bytes from;
  sim::Time latency;
  sim::Bandwidth bandwidth;
};

struct CalibratedFit {
  Kind kind = Kind::all_reduce;
  std::uint32_t members = 0;
  std::uint32_t domains = 1;
  Call call = Call::blocking;
  std::string algorithm = "default";    // other names are measured, but the library does not choose
  std::optional<double> compute_share;  // of a member's compute that it takes while it runs
  std::vector<FitSegment> segments;     // ascending
};

struct Calibration {
  std::vector<CalibratedPoint> points;
  std::vector<CalibratedFit> fits;
  bool empty() const { return points.empty() && fits.empty(); }
};

// Where a price comes from. scaled: from the fit of another group size on the same kind of links.
enum class PriceSource : std::uint8_t { model, measured, scaled };

struct LibraryProfile {
  std::string_view version = "2.21";  // NCCL constants of that release
  bool ideal = false;                 // no latency, full link rate: for closed forms
  Calibration calibration;            // overrides where it covers (kind, shape)
};

struct Price {
  const Algorithm* algorithm = nullptr;
  std::string_view protocol;
  sim::Time latency;      // paid once, before bytes flow at the sustained rate
  sim::Time transfer;     // bytes at the rate the protocol sustains on idle links
  double sm_share = 0.0;  // part of the device's SMs its kernel occupies
  PriceSource source = PriceSource::model;
  sim::Time total() const { return latency + transfer; }
};

// The choice the library would make, and its price on idle links (the `analytic` fidelity).
// In the shared network (`flow`) Price::transfer is the lower bound that contention stretches.
Price price(Kind kind, const GroupShape& shape, sim::Bytes bytes, const Fabric& fabric,
            const LibraryProfile& library, Call call = Call::blocking);

}  // namespace collectives
