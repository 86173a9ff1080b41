#include "apps/simulation.hpp"

#include <sys/resource.h>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <string_view>

#include "apps/commands.hpp"
#include "strategies/mesh.hpp"

namespace apps {
namespace {

// The number after `key` in /proc/meminfo (kB) or alone in a cgroup file; 0 when there is none.
std::uint64_t number_in(const char* file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t digit = line.find_first_of("0123456789", key.size());
    if (digit == std::string::npos) return 0;
    std::uint64_t value = 0;
    std::from_chars(line.data() + digit, line.data() + line.size(), value);
    return value;
  }
  return 0;
}

std::uint64_t default_limit() {
  const std::uint64_t available = number_in("/proc/meminfo", "MemAvailable:") * 1024 / 4 * 3;
  const std::uint64_t cgroup = number_in("/sys/fs/cgroup/memory.max", "");
  return cgroup > 0 ? std::min(available, cgroup / 4 * 3) : available;
}

}  // namespace

scenarios::Scenario read(const std::string& file, const std::vector<std::string>& set,
                         const std::vector<std::string>& more, bool allow_plugins) {
  scenarios::ReadOptions options;
  options.allow_plugins = allow_plugins;
  options.set = set;
  options.set.insert(options.set.end(), more.begin(), more.end());
  return scenarios::read_scenario(file, options);
}

std::vector<std::int64_t> ranks_of_stages(const strategies::Plan& plan) {
  const strategies::Mesh mesh = strategies::dense_mesh(plan);
  std::vector<std::int64_t> ranks;
  for (std::int64_t stage = 0; stage < plan.pp; ++stage) {
    ranks.push_back(mesh.moved(0, strategies::Axis::pp, stage));
  }
  return ranks;
}

void limit_memory(std::uint64_t bytes) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  if (bytes == 0) return;  // the sanitizers reserve terabytes of address space
#endif
  const std::uint64_t limit = bytes > 0 ? bytes : default_limit();
  if (limit == 0) return;
  rlimit wanted{};
  getrlimit(RLIMIT_AS, &wanted);
  wanted.rlim_cur = std::min<rlim_t>(limit, wanted.rlim_max);
  setrlimit(RLIMIT_AS, &wanted);
}

void check_outputs(const std::vector<OutputFile>& outputs, const std::vector<std::string>& inputs) {
  const auto identity = [](const std::string& file) {
    std::error_code error;
    const auto whole = std::filesystem::absolute(file, error);
    if (error) return file;
    const auto path = std::filesystem::weakly_canonical(whole, error);
    return error ? file : path.string();
  };
  std::map<std::string, std::string> known;
  for (const std::string& file : inputs) {
    known.try_emplace(identity(file), known.empty() ? "the scenario" : "a file of the scenario");
  }
  for (const OutputFile& output : outputs) {
    if (output.file.empty()) continue;
    const auto [entry, is_new] = known.try_emplace(identity(output.file), output.option);
    if (is_new) continue;
    throw UsageError(fmt::format("{} {} would overwrite {}: name another file", output.option,
                                 output.file, entry->second));
  }
}

int fit_code(const Common& common, bool fits) {
  return common.require_fit && !fits ? kInfeasible : kOk;
}

}  // namespace apps
