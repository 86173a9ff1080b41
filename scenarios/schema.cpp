// The JSON Schema of the scenario file, from the table of keys.
#include <fmt/core.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "scenarios/keys.hpp"
#include "scenarios/quantity.hpp"

namespace scenarios {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json table_schema(std::span<const Key<T>> table);

Json number_schema(const KeyInfo& info, const char* type) {
  Json schema = {{"type", type}};
  const auto limit = [&](double value) {
    return info.type == ValueType::number ? Json(value) : Json(static_cast<std::int64_t>(value));
  };
  if (std::isfinite(info.range.min)) {
    schema[info.range.above_min ? "exclusiveMinimum" : "minimum"] = limit(info.range.min);
  }
  if (std::isfinite(info.range.max)) schema["maximum"] = limit(info.range.max);
  return schema;
}

Json words(const KeyInfo& info) {
  Json list = Json::array();
  for (const std::string_view choice : info.choices) list.push_back(choice);
  return {{"enum", list}};
}

Json quantity_schema(Dimension dimension) {
  return {{"type", "string"},
          {"pattern", quantity_pattern(dimension)},
          {"examples", Json::array({std::string(unit_examples(dimension))})}};
}

Json precision_schema(const KeyInfo& info) {
  const Json value = info.dimension == Dimension::none ? number_schema(info, "number")
                                                       : quantity_schema(info.dimension);
  Json properties = Json::object();
  for (const auto& each : EnumNames<models::Precision>::table) {
    properties[std::string(each.name)] = value;
  }
  return {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
}

Json list_schema(const KeyInfo& info) {
  Json item;
  if (info.path == "model.blocks") item = table_schema(block_keys());
  if (info.path == "operators") item = table_schema(operator_keys());
  if (info.path == "faults.slow_ranks") item = table_schema(slow_rank_keys());
  if (info.path == "faults.slow_links") item = table_schema(slow_link_keys());
  return {{"type", "array"}, {"items", item}};
}

Json text_schema(const KeyInfo& info) {
  Json schema = {{"type", "string"}, {"minLength", 1}};
  if (std::isfinite(info.range.max)) schema["maxLength"] = static_cast<int>(info.range.max);
  return schema;
}

Json value_schema(const KeyInfo& info) {
  switch (info.type) {
    case ValueType::integer:
      return number_schema(info, "integer");
    case ValueType::number:
      return number_schema(info, "number");
    case ValueType::boolean:
      return {{"type", "boolean"}};
    case ValueType::text:
      return text_schema(info);
    case ValueType::choice:
      return words(info);
    case ValueType::quantity:
      return quantity_schema(info.dimension);
    case ValueType::integer_list:
      return {{"type", "array"}, {"items", number_schema(info, "integer")}};
    case ValueType::text_list:
      return {{"type", "array"}, {"items", {{"type", "string"}}}};
    case ValueType::choice_list:
      return {{"type", "array"}, {"items", words(info)}};
    case ValueType::per_precision:
      return precision_schema(info);
    case ValueType::list:
      return list_schema(info);
    case ValueType::free_mapping:
      return {{"type", "object"}};
  }
  return {};
}

Json described(const KeyInfo& info) {
  Json schema = value_schema(info);
  schema["description"] = fmt::format("{} Default: {}.", info.doc, info.fallback);
  return schema;
}

Json empty_object() {
  return {{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
}

// The object schema inside a node that may also be a plain value.
Json& object_of(Json& node) {
  if (node.contains("anyOf")) return node["anyOf"][1];
  return node;
}

// Puts a value at a dotted path, making the objects on the way.
void insert(Json& root, std::string_view path, const Json& value) {
  Json& properties = object_of(root)["properties"];
  const std::size_t dot = path.find('.');
  const std::string name(path.substr(0, dot));
  if (dot == std::string_view::npos) {
    properties[name] = value;
    return;
  }
  Json& below = properties[name];
  if (below.is_null()) below = empty_object();
  if (below.value("type", "") != "object" && !below.contains("anyOf")) {
    below = {{"anyOf", Json::array({below, empty_object()})}};
  }
  insert(below, path.substr(dot + 1), value);
}

// `model: NAME` is short for a mapping with that name in it.
void allow_name(Json& root, std::initializer_list<const char*> path) {
  Json* node = &root;
  for (const char* name : path) node = &object_of(*node)["properties"][name];
  *node = {{"anyOf", Json::array({{{"type", "string"}, {"minLength", 1}}, *node})}};
}

template <class T>
Json table_schema(std::span<const Key<T>> table) {
  Json schema = empty_object();
  for (const Key<T>& key : table) insert(schema, key.info.path, described(key.info));
  return schema;
}

void add_aliases(Json& root) {
  for (const Alias& alias : aliases()) {
    for (const Key<Draft>& key : scenario_keys()) {
      if (key.info.path != alias.path) continue;
      Json schema = value_schema(key.info);
      schema["description"] = fmt::format("Another spelling of {}.", alias.path);
      insert(root, alias.spelling, schema);
    }
  }
}

}  // namespace

std::string scenario_schema() {
  Json root = {{"$schema", "http://json-schema.org/draft-07/schema#"},
               {"title", "Stepcast scenario"}};
  root.update(table_schema(scenario_keys()));
  add_aliases(root);
  root["properties"]["$schema"] = {{"type", "string"}, {"description", "Ignored; for editors."}};
  root["properties"]["extends"] = {
      {"type", "string"},
      {"description", "A scenario to start from: a path beneath the folder of this file."}};
  root["properties"]["strategies"] = {
      {"type", "array"},
      {"description", "For compare: each entry has a name and overrides any key above."},
      {"items", {{"allOf", {{{"$ref", "#"}}, {{"required", {"name"}}}}}}}};
  root["patternProperties"] = {{"^x-", Json::object()}};
  allow_name(root, {"model"});
  allow_name(root, {"cluster", "device"});
  allow_name(root, {"cluster"});
  allow_name(root, {"implementation"});
  return root.dump(2) + "\n";
}

}  // namespace scenarios
