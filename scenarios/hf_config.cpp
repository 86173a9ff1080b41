#include "scenarios/hf_config.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "scenarios/hf_shape.hpp"
#include "scenarios/text_checks.hpp"

namespace scenarios {
namespace {

using nlohmann::json;
constexpr int kMaxJsonDepth = 64;

// Refuses nesting and duplicate keys, which the JSON library accepts.
json parse_json(std::uint32_t source, const Sources& sources, Diagnostics& diagnostics) {
  std::vector<std::set<std::string>> keys(kMaxJsonDepth + 2);
  const auto watch = [&](int depth, json::parse_event_t event, json& value) {
    if (depth > kMaxJsonDepth) {
      diagnostics.fatal({source, 0, 0}, fmt::format("nesting is deeper than {}", kMaxJsonDepth));
    }
    const auto level = static_cast<std::size_t>(depth);
    if (event == json::parse_event_t::object_start) keys[level + 1].clear();
    if (event == json::parse_event_t::key && !keys[level].insert(value.get<std::string>()).second) {
      diagnostics.fatal({source, 0, 0},
                        fmt::format("duplicate key \"{}\"", value.get<std::string>()));
    }
    return true;
  };
  const std::string& text = sources[source].text;
  try {
    return json::parse(text, watch);
  } catch (const json::exception& error) {
    const auto* parse_error = dynamic_cast<const json::parse_error*>(&error);
    const std::size_t byte =
        parse_error != nullptr && parse_error->byte > 0 ? parse_error->byte - 1 : 0;
    const LineColumn at = line_column(text, std::min(byte, text.size()));
    diagnostics.fatal({source, at.line, at.column}, "not valid JSON");
  }
}

}  // namespace

Node read_hugging_face_config(const std::string& path, Position named_at, Sources& sources,
                              Diagnostics& diagnostics) {
  const std::uint32_t source = sources.add({path, read_named_file(path, named_at, diagnostics),
                                            "hugging face " + path, SourceKind::catalogue});
  const json root = parse_json(source, sources, diagnostics);
  const json* config = &root;
  if (root.is_object() && root.contains("text_config")) config = &root["text_config"];
  if (!config->is_object()) diagnostics.fatal({source, 1, 1}, "expected a JSON object");
  const auto type = config->find("model_type");
  const std::string name =
      type != config->end() && type->is_string() ? type->get<std::string>() : "";
  std::string known;
  for (const HfFamily& family : hugging_face_families()) {
    if (family.type == name) {
      HfShape shape(*config, {source, 0, 0}, diagnostics);
      family.read(shape);
      return shape.take();
    }
    known += fmt::format("{}{}", known.empty() ? "" : ", ", family.type);
  }
  diagnostics.fatal({source, 1, 1}, fmt::format("model_type '{}' is not supported", name),
                    fmt::format("supported: {}; or write the model inline", known));
}

}  // namespace scenarios
