// nccl-tests -J (version 3 of its format). Booleans are text, NaN is the text "nan", and a run that
// died leaves the file without its end: the results before that are kept. `env` may hold secrets
// and is never read.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "formats/benchmark_text.hpp"

namespace formats {
namespace {

using nlohmann::json;

std::optional<double> number_at(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return std::nullopt;
  if (found->is_number()) return found->get<double>();
  return found->is_string() ? number_of(found->get_ref<const std::string&>()) : std::nullopt;
}

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

// A file cut short, closed where its last whole value ends: the open brackets after that point.
std::string closed(std::string_view text) {
  std::string open, closing;
  std::size_t whole = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '{' || c == '[') open += c;
    if ((c == '}' || c == ']') && !open.empty()) {
      open.pop_back();
      whole = i + 1;
      closing = open;
    }
  }
  std::string out(text.substr(0, whole));
  for (auto c = closing.rbegin(); c != closing.rend(); ++c) out += *c == '{' ? '}' : ']';
  return out;
}

json parse(std::string_view text, std::vector<BenchmarkWarning>& warnings) {
  json root = json::parse(text, nullptr, false);
  if (!root.is_discarded()) return root;
  warnings.push_back({0, "the file is cut short; the results before that are kept"});
  return json::parse(closed(text), nullptr, false);
}

// Out of place, else in place.
std::optional<double> time_of(const json& result, std::vector<BenchmarkWarning>& warnings) {
  for (const char* place : {"out_of_place", "in_place"}) {
    const auto found = result.find(place);
    if (found == result.end() || !found->is_object()) continue;
    if (const auto wrong = number_at(*found, "nwrong"); wrong && *wrong > 0.0) {
      warnings.push_back({0, "a check found wrong results; left out"});
      return std::nullopt;
    }
    const auto time = number_at(*found, "time");
    if (time && *time > 0.0) return time;
  }
  return std::nullopt;
}

Sweep described(const json& root, const BenchmarkHints& hints) {
  Sweep sweep;
  sweep.tool = "nccl-tests";
  if (const std::string version = text_at(root, "nccl_version"); !version.empty()) {
    sweep.library = "NCCL " + version;
  }
  std::set<std::string> hosts;
  const json config = root.value("config", json::object());
  const json devices = config.is_object() ? config.value("devices", json::array()) : json::array();
  for (const json& device : devices) {
    if (!device.is_object()) continue;
    ++sweep.members;
    hosts.insert(text_at(device, "hostname"));
    if (sweep.device.empty()) sweep.device = text_at(device, "device_info");
  }
  if (hints.members > 0) sweep.members = hints.members;
  sweep.nodes = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(hosts.size()));
  if (hints.nodes > 0) sweep.nodes = hints.nodes;
  return sweep;
}

// The program's name: the first of `args` that names a collective, else the file.
std::optional<collectives::Kind> kind_of(const json& root, const BenchmarkHints& hints) {
  if (const auto kind = kind_in(hints.kind)) return kind;
  const json args = root.value("args", json::array());
  for (const json& arg : args) {
    if (!arg.is_string()) continue;
    if (const auto kind = kind_in(arg.get_ref<const std::string&>())) return kind;
  }
  return kind_in(hints.name);
}

}  // namespace

Benchmark read_nccl_json(std::string_view text, const BenchmarkHints& hints) {
  Benchmark out;
  const json root = parse(text, out.warnings);
  const auto results = root.is_object() ? root.find("results") : root.end();
  if (!root.is_object() || results == root.end() || !results->is_array()) {
    out.warnings.push_back({0, "no `results` of nccl-tests in this JSON"});
    return out;
  }
  Sweep sweep = described(root, hints);
  const auto kind = kind_of(root, hints);
  if (!kind) {
    out.warnings.push_back({0, "which collective this is does not follow from it (--kind)"});
    return out;
  }
  sweep.kind = *kind;
  std::size_t index = 0;
  for (const json& result : *results) {
    ++index;
    const auto bytes = result.is_object() ? number_at(result, "size") : std::nullopt;
    const auto time = bytes ? time_of(result, out.warnings) : std::nullopt;
    if (!time) {
      out.warnings.push_back({0, fmt::format("result {} has no size or time; left out", index)});
      continue;
    }
    add_point(sweep, *bytes, *time, 0, out.warnings);
  }
  out.sweeps.push_back(std::move(sweep));
  finish(out);
  return out;
}

}  // namespace formats
