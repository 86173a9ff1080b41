// The price of every point of every sweep under constants given on standard input; driven by
// fit.py. Prints the committed constants and the points, then for each line read, with the name of
// a row and its new values, one line of predictions in us of the points that belong to the row.
// With --detail: only the points, each with its prediction and the algorithm chosen.
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "collectives/fit/sweeps.hpp"

namespace {

using collectives::ModelConstants;
using collectives::Sweep;

// The row of the constants that a sweep depends on, and for sweeps between domains most of all.
std::string row_of(const Sweep& sweep, const ModelConstants& constants) {
  return std::string(sweep.group.one_domain() ? device_model(constants, sweep.fabric).name
                                              : network_model(constants, sweep.fabric).name);
}

template <class Row, class Fields>
void print_rows(const std::vector<Row>& rows, const Fields& fields) {
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      std::printf("constant %s %s %.10g\n", std::string(row.name).c_str(),
                  std::string(fields[i]).c_str(), row.value[i]);
    }
  }
}

void print_points(const std::vector<Sweep>& sweeps, const ModelConstants& constants, bool detail) {
  for (const Sweep& sweep : sweeps) {
    for (const auto& point : sweep.points) {
      std::string what;
      const double us = predicted_us(sweep, point.bytes, constants, &what);
      std::printf("point %s %s:%u:%u %s %s %s %s %lld %.10g", sweep.name.c_str(),
                  std::string(collectives::name(sweep.kind)).c_str(), sweep.group.members,
                  sweep.group.domains, sweep.system.c_str(), sweep.role.c_str(),
                  sweep.quality.c_str(), row_of(sweep, constants).c_str(),
                  static_cast<long long>(point.bytes), point.time_us);
      if (detail) std::printf(" %.2f %s", us, what.c_str());
      std::printf("\n");
    }
  }
}

template <class Row>
bool read_row(std::vector<Row>& rows, const std::string& name) {
  for (Row& row : rows) {
    if (row.name != name) continue;
    for (double& value : row.value) std::cin >> value;
    return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::vector<Sweep> sweeps = collectives::read_sweeps(argv[1]);
  ModelConstants constants = collectives::model_constants();
  const bool detail = argc > 2 && std::string(argv[2]) == "--detail";
  if (!detail) {
    print_rows(constants.devices, collectives::kDeviceFields);
    print_rows(constants.networks, collectives::kNetworkFields);
  }
  print_points(sweeps, constants, detail);
  std::printf("ready\n");
  std::fflush(stdout);
  std::string row;
  while (!detail && std::cin >> row) {
    if (!read_row(constants.devices, row) && !read_row(constants.networks, row)) return 1;
    for (const Sweep& sweep : sweeps) {
      if (row_of(sweep, constants) != row) continue;
      for (const auto& point : sweep.points) {
        std::printf("%.6g ", predicted_us(sweep, point.bytes, constants));
      }
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  return 0;
}
