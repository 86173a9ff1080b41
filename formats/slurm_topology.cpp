// Slurm's topology.conf (tree and block) as the switches of a cluster: how many servers a leaf has,
// and how many leaves a pod. What the servers are is not in it.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "formats/benchmark_text.hpp"
#include "formats/format.hpp"
#include "formats/hostlist.hpp"
#include "scenarios/source.hpp"

namespace formats {
namespace {

constexpr std::size_t kMostLevels = 16;  // of switches above each other: no network has as many

using scenarios::Position;

struct Switch {
  Position at;
  std::int64_t servers = 0;
  std::vector<std::string> below;
  Position below_at;
  std::string above;
};

class Importer {
 public:
  explicit Importer(const ImportRequest& request) : request_(request), diagnostics_(sources_) {
    sources_.add({request.file, request.text, "", scenarios::SourceKind::scenario});
  }

  Imported run() {
    read_lines();
    diagnostics_.throw_if_any();
    if (switches_.empty()) {
      diagnostics_.fatal({0, 1, 1}, "there is no SwitchName= or BlockName= in it",
                         "a line is such as SwitchName=s1 Nodes=node[0-15]");
    }
    join();
    diagnostics_.throw_if_any();
    return {text(), std::move(notes_)};
  }

 private:
  struct Word {
    Position at;
    std::string key, value;
  };

  void note(int line, std::string text) {
    notes_.push_back({static_cast<std::size_t>(line), std::move(text)});
  }

  // Words of a line, and of the lines that it goes on in.
  void read_lines() {
    std::vector<Word> words;
    int number = 0;
    for (std::string_view line : lines_of(request_.text)) {
      ++number;
      const std::size_t comment = line.find('#');
      std::string_view rest = line.substr(0, comment);
      const bool goes_on = trimmed(rest).ends_with('\\') && comment == std::string_view::npos;
      for (std::string_view word : words_of(rest)) {
        const auto column = static_cast<int>(word.data() - line.data()) + 1;
        if (word == "\\") continue;
        if (word.ends_with('\\')) word.remove_suffix(1);
        const std::size_t equals = word.find('=');
        if (equals == std::string_view::npos) {
          diagnostics_.error({0, number, column}, "", fmt::format("'{}' is no key=value", word),
                             "a line is such as SwitchName=s1 Nodes=node[0-15]");
          continue;
        }
        words.push_back({{0, number, column},
                         lower(word.substr(0, equals)),
                         std::string(word.substr(equals + 1))});
      }
      if (goes_on) continue;
      if (!words.empty()) take(words);
      words.clear();
    }
    if (!words.empty()) take(words);
  }

  void take(const std::vector<Word>& words) {
    const std::string& kind = words.front().key;
    if (kind == "blocksizes") return;  // how jobs are placed
    if (kind != "switchname" && kind != "blockname") {
      diagnostics_.error(words.front().at, "", fmt::format("a line begins with {}=", kind),
                         "SwitchName=, BlockName= or BlockSizes=");
      return;
    }
    Switch taken;
    taken.at = words.front().at;
    for (std::size_t i = 1; i < words.size(); ++i) {
      const Word& word = words[i];
      if (word.key == "nodes") {
        taken.servers = static_cast<std::int64_t>(expand(word).size());
      } else if (word.key == "switches" && kind == "switchname") {
        taken.below = expand(word);
        taken.below_at = word.at;
      } else if (word.key == "linkspeed") {
        speeds_ = true;
      } else {
        diagnostics_.error(word.at, "", fmt::format("{}= is not known here", word.key),
                           "Nodes=, Switches= or LinkSpeed=");
      }
    }
    if ((taken.servers > 0) == !taken.below.empty()) {
      diagnostics_.error(
          taken.at, "",
          fmt::format("{} has both or none of nodes and switches", words.front().value),
          "Nodes= for a leaf, Switches= for a switch above others");
    } else if (!switches_.emplace(words.front().value, taken).second) {
      diagnostics_.error(taken.at, "", fmt::format("{} is there twice", words.front().value),
                         "one line a switch");
    }
  }

  std::vector<std::string> expand(const Word& word) {
    try {
      std::vector<std::string> out = expand_hostlist(word.value);
      names_ += out.size();
      if (names_ > kMostNames) {
        diagnostics_.fatal(
            word.at, fmt::format("the file names more than {} nodes and switches", kMostNames));
      }
      return out;
    } catch (const std::invalid_argument& wrong) {
      diagnostics_.error(word.at, "", fmt::format("'{}': {}", word.value, wrong.what()),
                         "a list is such as node[0-3,12,18-20],login1");
      return {"?"};
    }
  }

  // Links switches to what is above them and counts levels.
  void join() {
    for (const auto& [name, each] : switches_) {
      for (const std::string& below : each.below) {
        const auto found = switches_.find(below);
        if (found == switches_.end()) {
          diagnostics_.error(each.below_at, "", fmt::format("there is no switch {}", below),
                             fmt::format("a line SwitchName={} Nodes=...", below));
        } else if (!found->second.above.empty()) {
          diagnostics_.error(each.below_at, "",
                             fmt::format("{} is below {} too", below, found->second.above),
                             "a tree: every switch is below one other");
        } else {
          found->second.above = name;
        }
      }
    }
    diagnostics_.throw_if_any();
    std::map<std::string, std::int64_t> of_pod;
    std::set<std::int64_t> sizes;
    for (const auto& [name, each] : switches_) {
      std::size_t levels = 1;
      for (std::string up = each.above; !up.empty(); up = switches_.at(up).above) {
        if (++levels > kMostLevels) {
          diagnostics_.fatal(
              switches_.at(up).at,
              fmt::format("{} is above itself, or below more than {} switches", up, kMostLevels),
              "a tree: switches above others, up to one");
        }
      }
      if (each.servers == 0) continue;
      ++leaves_;
      servers_ += each.servers;
      sizes.insert(each.servers);
      levels_ = std::max(levels_, levels);
      if (levels > 2) ++of_pod[each.above];
    }
    if (leaves_ == 0) {
      diagnostics_.fatal(switches_.begin()->second.at, "no switch has nodes",
                         "SwitchName=leaf1 Nodes=node[0-15]");
    }
    per_leaf_ = *sizes.rbegin();
    if (sizes.size() > 1) {
      note(0, fmt::format("leaves have {} to {} servers: taken as {}", *sizes.begin(), per_leaf_,
                          per_leaf_));
    }
    for (const auto& [name, count] : of_pod) per_pod_ = std::max(per_pod_, count);
    if (levels_ > 3) note(0, fmt::format("{} levels of switches: taken as three", levels_));
    if (speeds_) note(0, "LinkSpeed is a number without a unit: left out");
  }

  std::string text() {
    const std::string preset = request_.cluster.empty() ? "dgx-h100" : request_.cluster;
    if (request_.cluster.empty()) {
      note(0, fmt::format("the servers are assumed to be {}; --cluster says otherwise", preset));
    }
    const topologies::ClusterSpec known =
        scenarios::read_scenario_text(fmt::format("model: gpt2\ncluster: {}\n", preset),
                                      request_.file + " (--cluster)")
            .cluster;
    const std::int64_t gpus = request_.gpus > 0 ? request_.gpus : servers_ * known.gpus_per_node;
    note(0, "model, training and strategy are placeholders: set them");
    std::string fabric;
    if (leaves_ == 1) fabric = "fabric: single_switch, ";
    if (per_pod_ > 0) {
      // Where rails have leaves of their own, a unit of servers has as many as ports.
      const bool rails = known.fabric == topologies::FabricShape::rail_optimised;
      fabric = fmt::format("leaves_per_pod: {}, ", per_pod_ * (rails ? known.nics_per_node : 1));
    }
    return fmt::format(
        "name: a cluster from Slurm's topology\nmodel: gpt2\ncluster:\n  preset: {}\n  gpus: {}\n"
        "  inter_node: {{{}nodes_per_leaf: {}}}\n"
        "training:\n  global_batch: {}\nstrategy:\n  zero: 3\nimplementation: fsdp\n",
        preset, gpus, fabric, per_leaf_, gpus);
  }

  const ImportRequest& request_;
  scenarios::Sources sources_;
  scenarios::Diagnostics diagnostics_;
  std::vector<Note> notes_;
  std::map<std::string, Switch> switches_;
  std::size_t names_ = 0, levels_ = 0;
  std::int64_t leaves_ = 0, servers_ = 0, per_leaf_ = 0, per_pod_ = 0;
  bool speeds_ = false;
};

}  // namespace

Imported import_slurm_topology(const ImportRequest& request) { return Importer(request).run(); }

}  // namespace formats
