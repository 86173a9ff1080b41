// Devices for tests: data-sheet values, and the fitted ones from models/fit/devices.csv.
#pragma once

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "models/device.hpp"

namespace test {

inline std::vector<std::vector<std::string>> read_csv(const std::string& name) {
  std::ifstream file(std::string(STEPCAST_SOURCE_DIR) + "/models/fit/" + name);
  REQUIRE(file.good());
  std::vector<std::vector<std::string>> rows;
  std::string line;
  std::getline(file, line);  // header
  while (std::getline(file, line)) {
    std::vector<std::string> cells;
    std::stringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
    rows.push_back(cells);
  }
  return rows;
}

inline models::Precision precision_of(const std::string& name) {
  if (name == "fp16") return models::Precision::fp16;
  if (name == "fp8") return models::Precision::fp8;
  if (name == "fp4") return models::Precision::fp4;
  return models::Precision::bf16;
}

struct Facts {
  models::Architecture architecture;
  double bf16, fp8, fp4, bandwidth, boost_mhz;
  std::int64_t l2_mib;
  int sms;
};

inline Facts facts_of(const std::string& name) {
  using models::Architecture;
  if (name == "a100-80gb") return {Architecture::ampere, 312, 0, 0, 2039, 1410, 40, 108};
  if (name == "a100-80gb-pcie") return {Architecture::ampere, 312, 0, 0, 1940, 1410, 40, 108};
  if (name == "h100-80gb") return {Architecture::hopper, 989.4, 1979, 0, 3350, 1830, 50, 132};
  if (name == "h200") return {Architecture::hopper, 989.4, 1979, 0, 4800, 1830, 50, 132};
  if (name == "b200") return {Architecture::blackwell, 2250, 4500, 9000, 8000, 1965, 126, 148};
  REQUIRE(name == "gb200");
  return {Architecture::blackwell, 2500, 5000, 10000, 8000, 2062, 126, 152};
}

inline models::Device device(const std::string& name) {
  const Facts facts = facts_of(name);
  models::Device d;
  d.name = name;
  d.architecture = facts.architecture;
  const auto set = [&d](models::Precision precision, double peak, const std::string& fitted) {
    d.peak[static_cast<std::size_t>(precision)] = sim::FlopRate::tflops(peak);
    if (!fitted.empty()) d.gemm_efficiency[static_cast<std::size_t>(precision)] = std::stod(fitted);
  };
  for (const auto& row : read_csv("devices.csv")) {
    if (row[0] != name) continue;
    set(models::Precision::fp32, 20, "0.85");
    set(models::Precision::fp16, facts.bf16, row[1]);
    set(models::Precision::bf16, facts.bf16, row[1]);
    set(models::Precision::fp8, facts.fp8, row[2]);
    set(models::Precision::fp4, facts.fp4, row[3]);
    d.memory_efficiency = std::stod(row[4]);
    d.attention_efficiency = std::stod(row[5]);
    d.kernel_gap = sim::Time::from_seconds(std::stod(row[6]) * 1e-6);
  }
  d.memory_bandwidth = sim::Bandwidth::gb_per_s(facts.bandwidth);
  d.l2 = sim::Bytes{facts.l2_mib << 20U};
  d.sm_count = facts.sms;
  d.boost_mhz = facts.boost_mhz;
  return d;
}

}  // namespace test
