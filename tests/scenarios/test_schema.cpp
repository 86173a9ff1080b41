// The schema and the reference say what the reader does.
#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>
#include <regex>

#include "scenarios/keys.hpp"
#include "support.hpp"

using namespace support;
using nlohmann::json;

namespace {

// The schema of a dotted key; null when there is none.
json schema_of(const json& root, std::string path) {
  json node = root;
  for (;;) {
    if (node.contains("anyOf")) node = node["anyOf"][1];
    const std::size_t dot = path.find('.');
    const std::string name = path.substr(0, dot);
    if (!node.contains("properties") || !node["properties"].contains(name)) return nullptr;
    node = node["properties"][name];
    if (dot == std::string::npos) return node;
    path = path.substr(dot + 1);
  }
}

}  // namespace

TEST_CASE("docs/ holds the schema and the reference of this table", "[docs]") {
  const auto docs = source_dir() / "docs";
  if (update()) {
    std::filesystem::create_directories(docs);
    write_text(docs / "scenario.schema.json", scenarios::scenario_schema());
    write_text(docs / "scenario-reference.md", scenarios::scenario_reference());
  }
  INFO("a key was added or changed: run STEPCAST_UPDATE=1 test_scenarios \"[docs]\"");
  CHECK(read_text(docs / "scenario.schema.json") == scenarios::scenario_schema());
  CHECK(read_text(docs / "scenario-reference.md") == scenarios::scenario_reference());
}

TEST_CASE("every key and every other spelling is in the schema, with its type") {
  const json schema = json::parse(scenarios::scenario_schema());
  CHECK(schema["$schema"] == "http://json-schema.org/draft-07/schema#");
  CHECK(schema["additionalProperties"] == false);
  for (const auto& key : scenarios::scenario_keys()) {
    INFO(key.info.path);
    json found = schema_of(schema, std::string(key.info.path));
    REQUIRE_FALSE(found.is_null());
    if (found.contains("anyOf")) found = found["anyOf"][0];
    CHECK_FALSE(key.info.doc.empty());
    CHECK_FALSE(key.info.fallback.empty());
    using scenarios::ValueType;
    if (key.info.type == ValueType::integer) CHECK(found["type"] == "integer");
    if (key.info.type == ValueType::boolean) CHECK(found["type"] == "boolean");
    if (key.info.type == ValueType::choice) {
      CHECK(found["enum"].size() == key.info.choices.size());
    }
    if (key.info.type == ValueType::quantity) CHECK(found.contains("pattern"));
  }
  for (const auto& alias : scenarios::aliases()) {
    INFO(alias.spelling);
    CHECK_FALSE(schema_of(schema, std::string(alias.spelling)).is_null());
    CHECK_FALSE(schema_of(schema, std::string(alias.path)).is_null());
  }
}

TEST_CASE("paths of the table are unique and aliases point into it") {
  std::vector<std::string> paths;
  for (const auto& key : scenarios::scenario_keys()) paths.emplace_back(key.info.path);
  std::sort(paths.begin(), paths.end());
  CHECK(std::adjacent_find(paths.begin(), paths.end()) == paths.end());
  for (const auto& alias : scenarios::aliases()) {
    INFO(alias.spelling);
    CHECK(std::binary_search(paths.begin(), paths.end(), std::string(alias.path)));
    CHECK_FALSE(std::binary_search(paths.begin(), paths.end(), std::string(alias.spelling)));
  }
}

TEST_CASE("the schema's patterns accept the quantities that the reader accepts") {
  using scenarios::Dimension;
  const std::pair<const char*, Dimension> texts[] = {{"400 Gb/s", Dimension::bandwidth},
                                                     {"400Gbps", Dimension::bandwidth},
                                                     {"400", Dimension::bandwidth},
                                                     {"400 gb/s", Dimension::bandwidth},

                                                     {"1.5e2 GB/s", Dimension::bandwidth},
                                                     {"80 GiB", Dimension::bytes},
                                                     {"80 Gib", Dimension::bytes},
                                                     {"2 us", Dimension::time},
                                                     {"us", Dimension::time},
                                                     {"2.5 USD/h", Dimension::price},
                                                     {"2.5 $/h", Dimension::price},
                                                     {"989 TFLOP/s", Dimension::flop_rate},
                                                     {"989 TFLOPs", Dimension::flop_rate}};
  for (const auto& [text, dimension] : texts) {
    INFO(text);
    const std::regex pattern(scenarios::quantity_pattern(dimension));
    CHECK(std::regex_match(text, pattern) ==
          scenarios::parse_quantity(text, dimension).value.has_value());
  }
}

TEST_CASE("no quantity is negative: the schema says so at once, the reader by the range") {
  const std::regex pattern(scenarios::quantity_pattern(scenarios::Dimension::bandwidth));
  CHECK_FALSE(std::regex_match("-1 GB/s", pattern));
  CHECK_THAT(complaint(kSmall + "strategy: {tp: 1}\n", "test.yaml",
                       {{"cluster.inter_node.bandwidth=-1 GB/s"}, "", true}),
             Catch::Contains("is out of range: -1 GB/s"));
}

TEST_CASE("$schema and x- keys are ignored, and anchors work") {
  CHECK(complaint("$schema: ../docs/scenario.schema.json\nx-wide: &wide {tp: 4, pp: 2}\n" + kSmall +
                  "strategy: *wide\n") == "");
}
