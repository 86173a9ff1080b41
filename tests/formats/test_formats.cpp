// What import and export have in common, and the Hugging Face format.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "formats/format.hpp"
#include "scenarios/reader.hpp"

namespace {

struct Folder {
  std::string path = (std::filesystem::temp_directory_path() / "stepcast-formats").string();
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path + "/" + name) << text;
    return path + "/" + name;
  }
};

}  // namespace

TEST_CASE("every format goes at least one way, under a name of its own") {
  std::set<std::string_view> names;
  for (const formats::FormatEntry& entry : formats::format_table()) {
    CAPTURE(entry.name);
    CHECK(names.insert(entry.name).second);
    CHECK((entry.read != nullptr || entry.write != nullptr));
    CHECK(!entry.summary.empty());
    if (entry.files != nullptr) CHECK(entry.write != nullptr);
  }
}

TEST_CASE("a Hugging Face configuration becomes a scenario of the same model") {
  const Folder folder;
  const std::string text =
      R"({"model_type": "llama", "vocab_size": 128256, "hidden_size": 4096,
          "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
          "num_key_value_heads": 8, "max_position_embeddings": 8192})";
  const std::string file = folder.write("config.json", text);
  const formats::Imported imported = formats::import_hugging_face({file, text, "dgx-a100", 16});
  const scenarios::Scenario read = scenarios::read_scenario_text(imported.scenario, "elsewhere");
  const auto named = scenarios::read_model("llama3-8b");
  CHECK(models::count_parameters(read.model).total == models::count_parameters(named).total);
  CHECK(read.cluster.gpus == 16);
  CHECK(imported.notes.size() == 1);
  CHECK(formats::import_hugging_face({file, text, "", 0}).notes.size() == 2);
}

TEST_CASE("a configuration of an unknown family is refused with the known ones") {
  const Folder folder;
  const std::string text = R"({"model_type": "mystery"})";
  const std::string file = folder.write("config.json", text);
  try {
    formats::import_hugging_face({file, text, "", 0});
    FAIL("it was read");
  } catch (const scenarios::ScenarioError& error) {
    const std::string said = error.diagnostics().front().to_string();
    CHECK(said.find("mystery") != std::string::npos);
    CHECK(said.find("supported: ") != std::string::npos);
  }
}
