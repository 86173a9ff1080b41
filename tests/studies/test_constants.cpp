// A constant of the catalogue that serves a single source of records has to say what it rests on:
// else it could be a number chosen to make that source fit.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "studies/records.hpp"

namespace {

using Values = std::map<std::string, std::set<std::string>>;  // key -> values elsewhere

struct Line {
  std::string key, value;
  std::string comment;  // its own, and the one above it
};

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The `key: value` lines of a catalogue file. Comment lines explain the next line only.
std::vector<Line> lines_of(const std::string& text) {
  std::vector<Line> out;
  std::istringstream in(text);
  std::string above;
  for (std::string raw; std::getline(in, raw);) {
    const std::string line = trimmed(raw);
    if (line.empty() || line[0] == '-') continue;
    if (line[0] == '#') {
      above += line;
      continue;
    }
    const auto hash = line.find(" #");
    const std::string code = trimmed(line.substr(0, hash));
    const auto colon = code.find(':');
    if (colon == std::string::npos) continue;
    const std::string own = hash == std::string::npos ? "" : line.substr(hash);
    out.push_back({code.substr(0, colon), trimmed(code.substr(colon + 1)), above + own});
    above.clear();
  }
  return out;
}

// An address, a paper, a data sheet, an issue, a file of the repository, or what the code base
// calls it: an option, a name with underscores or in capitals and small letters, a file.
bool names_source(const std::string& comment) {
  static const std::regex kFile(R"((models|collectives|records|docs)/[\w./*-]*\w)");
  for (std::sregex_iterator it(comment.begin(), comment.end(), kFile), end; it != end; ++it) {
    const std::string path = it->str();
    const std::string known = path.substr(0, path.find('*'));
    if (std::filesystem::exists(std::filesystem::path(STEPCAST_SOURCE_DIR) / known)) return true;
  }
  static const std::regex kElsewhere(
      R"(https?://|arXiv|[Dd]ata sheet|\w#\d+|--[a-z]+-|\w_\w|[a-z][A-Z]\w|\w\.(py|md|cpp|cc)\b)");
  return std::regex_search(comment, kElsewhere);
}

// Switches and names say which code they stand for; a number needs a source that can be looked up.
bool explained(const Line& line) {
  const bool number = std::any_of(line.value.begin(), line.value.end(),
                                  [](unsigned char c) { return std::isdigit(c) != 0; });
  return number ? names_source(line.comment) : !line.comment.empty();
}

// Keys of a file whose value nobody else has and no source explains.
std::vector<std::string> unexplained(const std::string& text, const Values& elsewhere,
                                     const std::set<std::string>& in_data_sheet) {
  static const std::set<std::string> words{"summary", "source", "architecture"};
  std::vector<std::string> out;
  for (const Line& line : lines_of(text)) {
    if (line.value.empty() || explained(line) || words.count(line.key)) continue;
    if (in_data_sheet.count(line.key)) continue;
    const auto others = elsewhere.find(line.key);
    if (others != elsewhere.end() && others->second.count(line.value)) continue;
    out.push_back(line.key);
  }
  return out;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::filesystem::path folder(const std::string& section) {
  return std::filesystem::path(STEPCAST_SOURCE_DIR) / "scenarios/catalogue" / section;
}

std::string device_of_cluster(const std::string& preset) {
  for (const Line& line : lines_of(read(folder("clusters") / (preset + ".yaml")))) {
    if (line.key == "device") return line.value;
  }
  return "";
}

// Section of the catalogue -> entry -> the sources of records that use it.
std::map<std::string, std::map<std::string, std::set<std::string>>> users() {
  std::map<std::string, std::map<std::string, std::set<std::string>>> out;
  for (const auto& record : studies::load_records(studies::default_records_folder()).records) {
    if (record.use == studies::Use::no) continue;
    const std::string profile = record.setting("implementation");
    out["profiles"][profile.empty() ? record.setting("implementation.base") : profile].insert(
        record.source);
    const std::string preset = record.setting("cluster.preset");
    if (!preset.empty()) out["clusters"][preset].insert(record.source);
    std::string device = record.setting("cluster.device");
    if (device.empty()) device = device_of_cluster(preset);
    out["devices"][device].insert(record.source);
  }
  return out;
}

// What data sheets print, for a file that names its own under `source`.
std::set<std::string> data_sheet_keys(const std::string& section, const std::string& text) {
  if (text.find("\nsource:\n  - ") == std::string::npos) return {};
  if (section == "devices") {
    return {"fp32", "tf32",        "fp16",        "bf16",     "fp8",           "fp4",
            "int8", "l2",          "vector_peak", "memory",   "sm_count",      "memory_bandwidth",
            "pcie", "boost_clock", "power",       "scale_up", "scale_up_type", "usable_memory"};
  }
  if (section == "clusters") {
    return {"device", "gpus_per_node", "nvlink_domain", "intra_node", "type", "nics_per_node",
            "bandwidth", "fabric", "nodes_per_leaf", "oversubscription", "gpus",
            // no predicted time or memory reads these
            "price", "power", "real_gpus"};
  }
  return {};
}

}  // namespace

TEST_CASE("a constant that serves a single source states what it rests on") {
  const auto used = users();
  for (const auto& [section, entries] : used) {
    for (const auto& [name, sources] : entries) {
      if (sources.size() > 1) continue;
      Values elsewhere;
      for (const auto& [other, its_sources] : entries) {
        if (its_sources == sources) continue;
        for (const Line& line : lines_of(read(folder(section) / (other + ".yaml")))) {
          elsewhere[line.key].insert(line.value);
        }
      }
      const std::string text = read(folder(section) / (name + ".yaml"));
      INFO(section << "/" << name << " serves " << *sources.begin() << " alone");
      REQUIRE(!text.empty());
      CHECK(unexplained(text, elsewhere, data_sheet_keys(section, text)) ==
            std::vector<std::string>{});
    }
  }
  CHECK(used.at("profiles").size() > 5);
  CHECK(used.at("devices").size() > 5);
}

TEST_CASE("a bare constant is found out") {
  const std::string text =
      "summary: A code base\nkernels:\n  gemm_factor: 0.93\n  launch: 6 us  # eager\n"
      "# measured (arXiv 2211.13878)\noverlap_slowdown: 0.12\nstraggler: 0.007\n";
  CHECK(unexplained(text, {}, {}) ==
        std::vector<std::string>{"gemm_factor", "launch", "straggler"});
  CHECK(unexplained(text, {{"gemm_factor", {"1.0"}}, {"straggler", {"0.007"}}}, {}) ==
        std::vector<std::string>{"gemm_factor", "launch"});
  CHECK(unexplained(text, {}, {"gemm_factor", "launch", "straggler"}).empty());
}

TEST_CASE(
    "a number's reason is a source that can be looked up, a switch's the code it stands for") {
  const auto rests = [](const std::string& line) { return unexplained(line, {}, {}).empty(); };
  CHECK_FALSE(rests("launch: 80 us  # with the Python around it\n"));
  CHECK_FALSE(rests("launch: 80 us  # models/fit/measured/no-such-device.csv\n"));
  CHECK_FALSE(rests("bucket: 25 MB\n"));
  CHECK(rests("launch: 40 us  # models/fit/measured/h100-80gb/host.csv\n"));
  CHECK(rests("bucket: 25 MB  # ddp_bucket_cap_mb\n"));
  CHECK(rests("communicator: 688 MB  # a group of A100 (nccl#964)\n"));
  CHECK(rests("# NVIDIA's data sheet\npower: 400 W\n"));
  CHECK(rests("overlap: true  # waits for every exchange\n"));
  CHECK_FALSE(rests("overlap: true\n"));
}
