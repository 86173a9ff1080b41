// What `run` and `compare` share: reading with overrides, ranks to trace, the memory limit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/options.hpp"
#include "scenarios/reader.hpp"

namespace apps {

scenarios::Scenario read(const std::string& file, const std::vector<std::string>& set,
                         const std::vector<std::string>& more = {}, bool allow_plugins = false);

// One rank of each pipeline stage: the first of each, as rank_order lays them out.
std::vector<std::int64_t> ranks_of_stages(const strategies::Plan& plan);

// Makes allocations beyond it fail, so that they end in exit code 6 and not in the kernel's hands.
// `bytes` 0: three quarters of what is free now.
void limit_memory(std::uint64_t bytes);

// A file that a command writes, by which option. An empty name is none.
struct OutputFile {
  const char* option;
  std::string file;
};
// Throws UsageError where a command would overwrite what it has read (a scenario's files), or write
// a file twice.
void check_outputs(const std::vector<OutputFile>& outputs, const std::vector<std::string>& inputs);

// The exit code of a finished simulation.
int fit_code(const Common& common, bool fits);

}  // namespace apps
