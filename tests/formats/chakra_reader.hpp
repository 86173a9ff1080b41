// Reads Chakra traces back, and replays them by ASTRA-sim's rules. For the tests alone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace chakra {

struct Node {
  std::uint64_t id = 0, type = 0, duration = 0;
  std::string name;
  std::vector<std::uint64_t> before;
  std::map<std::string, std::uint64_t> numbers;  // attributes
  std::map<std::string, std::string> texts;

  std::uint64_t number(const std::string& key) const { return numbers.at(key); }
};

struct Trace {
  std::string version;
  std::vector<Node> nodes;
};

// Throws std::runtime_error for what is not encoded as the schema has it.
Trace read(std::string_view bytes);

using Groups = std::map<std::string, std::vector<std::int64_t>>;

// Replays all ranks: one operation on the device and one collective or send at a time, the one with
// the smallest number of those that may start; members of a group meet in the order of issue.
// Returns what went wrong, or nothing when every operation has ended. With `receives_take_turns`,
// as versions that count receives as communication.
std::string replay(const std::vector<Trace>& ranks, const Groups& groups, bool receives_take_turns);

}  // namespace chakra
