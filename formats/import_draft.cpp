#include "formats/import_draft.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/keys.hpp"
#include "scenarios/source.hpp"

namespace formats {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;  // rest of a key -> value

constexpr std::size_t kWidth = 100;  // columns of a line of the scenario

std::size_t rank_of(std::string_view key) {
  static const std::vector<std::string_view> order = [] {
    std::vector<std::string_view> paths;
    for (const auto& row : scenarios::scenario_keys()) paths.push_back(row.info.path);
    return paths;
  }();
  if (key == "name") return 0;
  const auto at = std::find(order.begin(), order.end(), key);
  return 1 + static_cast<std::size_t>(at - order.begin());
}

// {a: 1, b: {c: 2}}
std::string flow(const Lines& lines) {
  std::string out;
  for (std::size_t i = 0; i < lines.size();) {
    const std::string& key = lines[i].first;
    const std::size_t dot = key.find('.');
    out += out.empty() ? "{" : ", ";
    if (dot == std::string::npos) {
      out += fmt::format("{}: {}", key, lines[i++].second);
      continue;
    }
    Lines below;
    const std::string head = key.substr(0, dot + 1);
    for (; i < lines.size() && lines[i].first.starts_with(head); ++i) {
      below.emplace_back(lines[i].first.substr(dot + 1), lines[i].second);
    }
    out += head.substr(0, dot) + ": " + flow(below);
  }
  return out + "}";
}

// Mappings inside a section stand in one line where they fit.
void block(const Lines& lines, std::size_t depth, std::string& out) {
  const std::string indent(2 * depth, ' ');
  for (std::size_t i = 0; i < lines.size();) {
    const std::string& key = lines[i].first;
    const std::size_t dot = key.find('.');
    if (dot == std::string::npos) {
      out += fmt::format("{}{}: {}\n", indent, key, lines[i++].second);
      continue;
    }
    Lines below;
    const std::string head = key.substr(0, dot + 1);
    for (; i < lines.size() && lines[i].first.starts_with(head); ++i) {
      below.emplace_back(lines[i].first.substr(dot + 1), lines[i].second);
    }
    const std::string line = fmt::format("{}{}: {}\n", indent, head.substr(0, dot), flow(below));
    if (depth > 0 && line.size() <= kWidth) {
      out += line;
    } else {
      out += fmt::format("{}{}:\n", indent, head.substr(0, dot));
      block(below, depth + 1, out);
    }
  }
}

}  // namespace

ImportDraft::ImportDraft(const ImportRequest& request) : request_(request), line_starts_{0} {
  for (std::size_t i = 0; i < request_.text.size(); ++i) {
    if (request_.text[i] == '\n') line_starts_.push_back(i + 1);
  }
}

Place ImportDraft::place(std::size_t offset) const {
  const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  return {static_cast<std::size_t>(next - line_starts_.begin()), offset - *(next - 1) + 1};
}

void ImportDraft::set(std::string key, std::string value, Place at) {
  std::erase_if(settings_, [&](const Setting& setting) { return setting.key == key; });
  settings_.push_back({std::move(key), std::move(value), at});
}

void ImportDraft::set(std::string key, std::int64_t value, Place at) {
  set(std::move(key), std::to_string(value), at);
}

void ImportDraft::set(std::string key, bool value, Place at) {
  set(std::move(key), std::string(value ? "true" : "false"), at);
}

const std::string* ImportDraft::find(std::string_view key) const {
  const auto at = std::find_if(settings_.begin(), settings_.end(),
                               [&](const Setting& setting) { return setting.key == key; });
  return at == settings_.end() ? nullptr : &at->value;
}

scenarios::Diagnostic ImportDraft::diagnostic(Place at, std::string message,
                                              std::string hint) const {
  std::string_view line;
  if (at.line > 0) {
    line = std::string_view(request_.text).substr(line_starts_[at.line - 1]);
    line = line.substr(0, line.find_first_of("\r\n"));
  }
  return {request_.file,
          static_cast<int>(at.line),
          static_cast<int>(at.column),
          {},
          std::move(message),
          std::move(hint),
          std::string(line)};
}

void ImportDraft::fault(Place at, std::string message, std::string hint) {
  if (faults_.size() < scenarios::kMaxErrors)
    faults_.push_back(diagnostic(at, std::move(message), std::move(hint)));
}

void ImportDraft::settle_gpus(std::int64_t in_file, Place at, std::int64_t assumed) {
  gpus_ = request_.gpus > 0 ? request_.gpus : (in_file > 0 ? in_file : assumed);
  if (request_.gpus > 0 && in_file > 0 && in_file != gpus_) {
    note(at, fmt::format("{} GPUs here; --gpus says {}", in_file, gpus_));
  }
  if (request_.gpus == 0 && in_file <= 0) {
    note({}, fmt::format("how many GPUs is not in the file: {} are assumed; --gpus says otherwise",
                         gpus_));
  }
}

std::int64_t ImportDraft::ranks(std::initializer_list<std::int64_t> degrees, Place at) {
  constexpr std::int64_t most = std::int64_t{1} << 20;
  std::int64_t product = 1;
  for (const std::int64_t degree : degrees) {
    if (degree < 1 || degree > most / product) {
      fault(at, fmt::format("parallel degrees above {} ranks together", most), "smaller ones");
      return 1;
    }
    product *= degree;
  }
  return product;
}

std::string ImportDraft::yaml(const std::string& cluster, const std::string& model) const {
  if (!faults_.empty()) {
    throw scenarios::ScenarioError(scenarios::ErrorKind::invalid_input, faults_);
  }
  std::vector<Setting> sorted = settings_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Setting& a, const Setting& b) {
    return rank_of(a.key) < rank_of(b.key);
  });
  std::string out;
  for (const std::string section :
       {"name", "model", "cluster", "training", "strategy", "implementation"}) {
    if (section == "cluster") out += cluster;
    if (section == "model" && !model.empty()) {
      out += model;
      continue;
    }
    Lines lines;
    for (const Setting& setting : sorted) {
      if (setting.key == section || setting.key.starts_with(section + ".")) {
        lines.emplace_back(setting.key, setting.value);
      }
    }
    // `model: NAME` and `implementation: NAME` are short for their `base`.
    if (lines.size() == 1 && lines[0].first == section + ".base") lines[0].first = section;
    block(lines, 0, out);
  }
  return out;
}

void ImportDraft::place_in_file(scenarios::Diagnostic& said) const {
  const auto at = std::find_if(settings_.begin(), settings_.end(), [&](const Setting& setting) {
    return setting.key == said.path && setting.at.line > 0;
  });
  const std::string message = said.path.empty() || said.message.find(said.path) == 0
                                  ? said.message
                                  : fmt::format("{}: {}", said.path, said.message);
  said = diagnostic(at == settings_.end() ? Place{} : at->at, message, said.hint);
}

Imported ImportDraft::finish() {
  const std::string cluster = request_.cluster.empty() ? "dgx-h100" : request_.cluster;
  if (request_.cluster.empty()) {
    note({}, fmt::format("cluster {} is assumed; --cluster says otherwise", cluster));
  }
  Imported out{yaml(fmt::format("cluster:\n  preset: {}\n  gpus: {}\n", cluster, gpus_)), notes_};
  try {
    scenarios::read_scenario_text(out.scenario, request_.file);
  } catch (const scenarios::ScenarioError& error) {
    std::vector<scenarios::Diagnostic> said = error.diagnostics();
    for (scenarios::Diagnostic& one : said) place_in_file(one);
    throw scenarios::ScenarioError(error.kind(), std::move(said));
  }
  return out;
}

std::string yaml_section(const std::string& yaml, const std::string& key) {
  const std::size_t begin = yaml.find("\n" + key + ":") + 1;
  std::size_t end = begin;
  do {
    end = yaml.find('\n', end);
    end = end == std::string::npos ? yaml.size() : end + 1;
  } while (end < yaml.size() && yaml[end] == ' ');
  return yaml.substr(begin, end - begin);
}

std::string yaml_quoted(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return "'" + out + "'";
}

std::string yaml_word(const std::string& text) { return scenarios::yaml_text(text); }

std::string file_name(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace formats
