// What `validate` asks for. Filled by add_validate() in cli.cpp.
#pragma once

#include <string>
#include <vector>

namespace apps {

struct ValidateOptions {
  bool json = false;
  std::string csv;                   // file; "-" = stdout; empty = none
  std::string plot;                  // SVG file
  std::vector<std::string> sources;  // empty = all
  std::string records;               // folder; empty = the shipped one
  unsigned threads = 0;              // 0 = all cores
  std::string check;                 // document whose table must not be beaten by this run's errors
  std::string update_docs;           // document whose table is replaced
};

}  // namespace apps
