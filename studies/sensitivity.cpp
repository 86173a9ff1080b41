#include "studies/sensitivity.hpp"

#include <algorithm>
#include <array>

namespace studies {
namespace {

using scenarios::Scenario;

// Rates are multiplied by `factor`, latencies divided: above one is better.
struct Figure {
  std::string_view key;
  std::string_view label;
  void (*scale)(Scenario&, double factor);
};

sim::Time faster(sim::Time time, double factor) {
  return sim::Time::from_seconds(time.seconds() / factor);
}

constexpr std::array kFigures{
    Figure{"matrix_rate", "matrix rate",
           [](Scenario& s, double factor) {
             for (sim::FlopRate& rate : s.device.peak) rate = rate * factor;
           }},
    Figure{"memory_bandwidth", "device memory bandwidth",
           [](Scenario& s, double factor) {
             s.device.memory_bandwidth = s.device.memory_bandwidth * factor;
           }},
    Figure{"intra_bandwidth", "bandwidth inside a node",
           [](Scenario& s, double factor) {
             s.cluster.intra_bandwidth = s.cluster.intra_bandwidth * factor;
           }},
    Figure{"nic_bandwidth", "bandwidth between nodes",
           [](Scenario& s, double factor) {
             s.cluster.nic_bandwidth = s.cluster.nic_bandwidth * factor;
           }},
    Figure{"network_latency", "latency of all links",
           [](Scenario& s, double factor) {
             s.cluster.intra_latency = faster(s.cluster.intra_latency, factor);
             s.cluster.inter_latency = faster(s.cluster.inter_latency, factor);
           }},
    Figure{"memory_size", "device memory size",
           [](Scenario& s, double factor) {
             const auto scaled = [&](sim::Bytes bytes) {
               return sim::Bytes{static_cast<std::int64_t>(bytes.as_double() * factor)};
             };
             s.device.memory = scaled(s.device.memory);
             s.device.usable_memory = scaled(s.device.usable_memory);
           }},
    Figure{"kernel_launch", "kernel launch time",
           [](Scenario& s, double factor) {
             s.implementation.kernels.launch = faster(s.implementation.kernels.launch, factor);
             s.device.kernel_gap = faster(s.device.kernel_gap, factor);
           }},
};

sim::Time effect(const Sensitivity& row) {
  const auto [low, high] = std::minmax(row.worse, row.better);
  return high - low;
}

}  // namespace

std::vector<Sensitivity> sensitivity(const Scenario& scenario, const Predictor& predict) {
  std::vector<Sensitivity> rows;
  for (const Figure& figure : kFigures) {
    const auto result = [&](double factor) {
      Scenario changed = scenario;
      figure.scale(changed, factor);
      return predict(changed);
    };
    const scenarios::Report worse = result(1.0 - kSensitivityStep);
    const scenarios::Report better = result(1.0 + kSensitivityStep);
    rows.push_back(
        {figure.key, figure.label, worse.step_time, better.step_time, worse.fits, better.fits});
  }
  std::erase_if(rows, [](const Sensitivity& row) {
    return row.worse == row.better && row.worse_fits == row.better_fits;
  });
  std::stable_sort(rows.begin(), rows.end(), [](const Sensitivity& a, const Sensitivity& b) {
    return effect(a) > effect(b);
  });
  return rows;
}

}  // namespace studies
