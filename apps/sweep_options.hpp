// What `sweep` asks for. Filled by add_sweep() in cli_studies.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace apps {

struct SweepOptions {
  std::string scenario;
  std::vector<std::string> set;   // dotted.key=value
  std::vector<std::string> over;  // dotted.key=a,b,c
  bool allow_plugins = false;
  std::string scaling;  // strong | weak; empty = none
  bool json = false;    // one object a line
  bool csv = false;
  std::string plot;  // SVG file
  std::string fidelity = "auto";
  unsigned threads = 0;  // 0 = all cores
  std::uint64_t max_memory = 0;
  double time_limit_s = 0.0;
};

}  // namespace apps
