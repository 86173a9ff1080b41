#include "apps/machine.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>

#include "reports/sha256.hpp"

namespace apps {
namespace {

// The text after "name : " in /proc/cpuinfo, of the first processor.
std::string cpuinfo(const char* name) {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const std::size_t colon = line.find(':');
    if (!line.starts_with(name) || colon == std::string::npos) continue;
    return colon + 2 <= line.size() ? line.substr(colon + 2) : std::string{};
  }
  return {};
}

unsigned usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<unsigned>(CPU_COUNT(&set));
  return static_cast<unsigned>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
}

}  // namespace

LocalMachine local_machine() {
  LocalMachine machine;
  machine.cpu = cpuinfo("model name");
  if (machine.cpu.empty()) machine.cpu = "unknown processor";
  machine.cores = usable_cores();
  machine.memory = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGE_SIZE);
  const std::string mhz = cpuinfo("cpu MHz");
  std::from_chars(mhz.data(), mhz.data() + mhz.size(), machine.clock_mhz);
  utsname names{};
  if (uname(&names) == 0) machine.kernel = fmt::format("{} {}", names.release, names.machine);
  return machine;
}

std::string describe(const LocalMachine& machine) {
  return fmt::format("{}, {} cores, {:.0f} GiB", machine.cpu, machine.cores,
                     static_cast<double>(machine.memory) / (1024.0 * 1024.0 * 1024.0));
}

studies::TextPairs fingerprint(const LocalMachine& machine) {
  const std::string text = describe(machine) + "; " + machine.kernel;
  return {{"cpu", machine.cpu},
          {"cores", std::to_string(machine.cores)},
          {"memory", fmt::format("{} B", machine.memory)},
          {"kernel", machine.kernel},
          {"stepcast", STEPCAST_VERSION},
          {"digest", reports::hex(reports::sha256(text)).substr(0, 16)}};
}

std::string utc_now() {
  std::time_t now = std::time(nullptr);
  if (const char* fixed = std::getenv("SOURCE_DATE_EPOCH")) {
    long long seconds = 0;
    const auto [end, error] = std::from_chars(fixed, fixed + std::strlen(fixed), seconds);
    if (error == std::errc{} && *end == '\0') now = static_cast<std::time_t>(seconds);
  }
  std::tm parts{};
  gmtime_r(&now, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace apps
