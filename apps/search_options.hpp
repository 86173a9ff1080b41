// What `search` asks for. Filled by add_search() in cli.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace apps {

struct SearchOptions {
  std::string scenario;
  std::vector<std::string> set;  // dotted.key=value
  bool allow_plugins = false;
  bool json = false;
  std::size_t top = 10;
  std::string objective = "step_time";
  std::string front = "auto";          // auto | exact | evaluated | none
  std::optional<double> front_within;  // percent that the front may be slower than the best
  // More axes of the front: step_time | memory | gpus | cost; empty = gpus where counts are
  // compared.
  std::vector<std::string> pareto;
  std::string journal;  // file; empty = none
  bool resume = false;
  bool restart = false;
  bool explain = false;
  unsigned threads = 0;  // 0 = all cores
  std::string best;      // file for the winner's scenario
  double tokens = 0.0;   // of the whole training; 0 = compute-optimal
  std::uint64_t max_memory = 0;
  double time_limit_s = 0.0;
};

}  // namespace apps
