// What `import` and `export` are asked for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace apps {

struct ImportOptions {
  std::string tool;  // whose format
  std::string file;
  std::string cluster;    // a catalogue name; empty = what the file says, or the format assumes
  std::int64_t gpus = 0;  // 0 = the same
  std::string out;        // file; empty = stdout
};

struct ExportOptions {
  std::string tool;  // whose format
  std::string scenario;
  std::vector<std::string> set;
  std::string out;  // file, or what the names of many begin with; empty = stdout
};

}  // namespace apps
