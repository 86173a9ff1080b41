// From files and command line to one merged tree per scenario: extends, strategies, --set, and the
// catalogue entries that are named.
#pragma once

#include <string>
#include <vector>

#include "scenarios/node.hpp"
#include "scenarios/reader.hpp"
#include "scenarios/source.hpp"

namespace scenarios {

inline constexpr std::size_t kMaxExtends = 8;
inline constexpr std::size_t kMaxStrategies = 10'000;

class Layers {
 public:
  Layers(ReadOptions options, Sources& sources, Diagnostics& diagnostics)
      : options_(std::move(options)), sources_(sources), diagnostics_(diagnostics) {}

  // The tree of a file or text with everything it extends; `strategies:` still in it.
  Node file(const std::string& path);
  Node text(std::string content, const std::string& path);

  // The entries of `strategies:`, taken out of the tree; empty when there are none.
  std::vector<Node> take_strategies(Node& tree);
  // --set settings put over the tree.
  void apply_settings(Node& tree);
  // Puts what model, cluster, device and implementation name under what the user says of them.
  void expand(Node& tree);

 private:
  Node parsed(std::string content, const std::string& path, const std::string& label,
              std::vector<std::string>& chain);
  Node extended(Node tree, const Node& name, const std::string& path,
                std::vector<std::string>& chain);
  void expand_section(Node& tree, const char* path, const char* name_key, const char* section);
  void expand_hugging_face(Node& model);
  void take_calibrated_device(Node& cluster);

  ReadOptions options_;
  Sources& sources_;
  Diagnostics& diagnostics_;
};

}  // namespace scenarios
