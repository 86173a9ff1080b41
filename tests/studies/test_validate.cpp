// The validation as a whole, with a stand-in for the simulator.
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "studies/validate.hpp"
#include "studies/validate_output.hpp"

using namespace studies;

namespace {

// Any function of the text will do: what matters is that nothing else decides.
Prediction fake(const std::string& text, const std::string&) {
  if (text.find("layers: 13\n") != std::string::npos) throw std::runtime_error("13 layers");
  Prediction prediction;
  prediction.step_time_s = 1.0 + static_cast<double>(std::hash<std::string>{}(text) % 1000) / 1e3;
  prediction.model_tflops_per_gpu = 200.0;
  prediction.model_tflops_per_gpu_full = 250.0;
  prediction.first = {10.0, 11.0, 12.0};
  prediction.worst = {20.0, 22.0, 24.0};
  prediction.fits = text.find("micro_batch: 64\n") == std::string::npos;
  return prediction;
}

RecordSet small_set() {
  RecordSet set;
  set.sources = {{"s", "", "u", "", "", "", "", "", ""}};
  set.targets = {{"t", "T", 6.0, 12.0, 0.0, 0.0, 0.0}, {"memory", "M", 0, 15, 5, 0, 0}};
  set.records = records_of(
      parse_csv("id,class,target,use,note,model.layers,model.hidden,model.vocab,cluster.gpus,"
                "training.seq_len,training.global_batch,training.micro_batch,measured.step_time_s,"
                "measured.tokens_per_s_per_gpu,measured.tflops_per_gpu,measured.flops_convention,"
                "measured.allocated_gib,measured.reserved_gib,measured.memory_stage,measured.fits\n"
                "*,dense16,t,yes,,12,1024,50257,8,2048,64,1,,,,,,,,\n"
                "a,,,,,,,,,,,,2,,,,,,,\n"
                "b,,,,,,,,,,,2,,8192,,,,,,\n"
                "c,,,,,,,,,,,4,,,100,sc21-hardware,,,,\n"
                "d,,,,,,,,,,,8,,,125,model-full,16,,,\n"
                "e,,,,,13,,,,,,,2,,,,,,,\n"
                "f,,,no,broken,,,,,,,,2,,,,,,,\n"
                "g,failed,,,,,,,,,,64,,,,,,,,false\n"
                "h,memory,,,,,,,,,,16,,,,,,10,first,\n",
                "t"),
      "s");
  return set;
}

const Outcome& outcome(const Validation& validation, const std::string& id) {
  for (std::size_t i = 0; i < validation.records.size(); ++i) {
    if (validation.records[i].id == id) return validation.outcomes[i];
  }
  throw std::out_of_range(id);
}

RecordSet corrupted(RecordSet set) {
  for (Record& record : set.records) {
    Measured& measured = record.measured;
    measured = {1234.5, 6.7, 8.9, "model-full", 1e3, 2e3, 3e3, MemoryStage::first, !measured.fits};
    record.record_class = "moe";
    record.model_name = "corrupted";
    record.locator = record.note;
  }
  return set;
}

}  // namespace

TEST_CASE("predictions do not see what was measured") {
  const RecordSet set = load_records(default_records_folder());
  const Validation honest = validate(set, {}, fake);
  const Validation corrupt = validate(corrupted(set), {}, fake);
  REQUIRE(honest.outcomes.size() == corrupt.outcomes.size());
  for (std::size_t i = 0; i < honest.outcomes.size(); ++i) {
    INFO(honest.records[i].id);
    CHECK(scenario_text(honest.records[i]) == scenario_text(corrupt.records[i]));
    CHECK(honest.outcomes[i].predicted_step_s == corrupt.outcomes[i].predicted_step_s);
    CHECK(honest.outcomes[i].predicted_fits == corrupt.outcomes[i].predicted_fits);
  }
}

TEST_CASE("the outcome is the same on any number of threads") {
  const RecordSet set = load_records(default_records_folder());
  const std::string alone = validation_json(validate(set, {{}, 1}, fake));
  CHECK(validation_json(validate(set, {{}, 3}, fake)) == alone);
  CHECK(validation_json(validate(set, {{}, 16}, fake)) == alone);
}

TEST_CASE("measured step times follow from what a source prints") {
  const Validation validation = validate(small_set(), {}, fake);
  CHECK(outcome(validation, "a").measured_step_s == Approx(2.0));
  // 64 * 2048 tokens over 8 GPUs at 8192 tokens/s each.
  CHECK(outcome(validation, "b").measured_step_s == Approx(2.0));
  // 96 * 64 * 2048 * 12 * 1024^2 * (1 + 2048/6144 + 50257/196608) / 8 GPUs / 100 TFLOP/s.
  CHECK(outcome(validation, "c").measured_step_s == Approx(0.31445).epsilon(1e-4));
  // 250 TFLOP/s predicted by that convention, 125 measured: twice the predicted time.
  CHECK(outcome(validation, "d").measured_step_s ==
        Approx(2.0 * outcome(validation, "d").predicted_step_s));
  CHECK_FALSE(outcome(validation, "g").has_time());
}

TEST_CASE("memory is compared by kind, at the stage that was read") {
  const Validation validation = validate(small_set(), {}, fake);
  REQUIRE(outcome(validation, "d").memory.size() == 1);
  CHECK(outcome(validation, "d").memory[0].kind == "allocated");
  CHECK(outcome(validation, "d").memory[0].error() == Approx(0.25));  // 20 worst over 16
  CHECK(outcome(validation, "h").memory[0].kind == "reserved");
  CHECK(outcome(validation, "h").memory[0].error() == Approx(0.1));  // 11 first over 10
}

TEST_CASE("what cannot be run is said, never dropped") {
  const Validation validation = validate(small_set(), {}, fake);
  CHECK(outcome(validation, "e").state == State::refused);
  CHECK(outcome(validation, "e").reason == "13 layers");
  CHECK(outcome(validation, "f").state == State::not_run);
  CHECK(outcome(validation, "f").reason == "broken");
  CHECK(validation_text(validation).find("e: 13 layers") != std::string::npos);
  const Summaries summaries = summarise(validation);
  CHECK(summaries.total.records == 7);
  CHECK(summaries.total.refused == 1);
  CHECK(summaries.total.time.count == 4);
  CHECK(summaries.total.failed == 1);
  CHECK(summaries.total.failed_do_not_fit == 1);
  CHECK(summaries.total.ran == 5);
  CHECK_THROWS_AS(validate(small_set(), {{"nowhere"}, 1}, fake), std::invalid_argument);
}

TEST_CASE("the JSON has what outside checks read") {
  const auto json = nlohmann::json::parse(validation_json(validate(small_set(), {}, fake)));
  REQUIRE(json["records"].size() == 8);
  const auto& first = json["records"][0];
  CHECK(first["id"] == "a");
  CHECK(first["source"] == "s");
  CHECK(first["measured"] == 2.0);
  CHECK(first["error"].get<double>() ==
        Approx(first["predicted"].get<double>() / first["measured"].get<double>() - 1.0));
  CHECK(json["records"][5]["predicted"].is_null());
  CHECK(json["records"][7]["quantity"] == "reserved_gib");
  CHECK(json["summary"]["total"]["time"]["count"] == 4);
  CHECK(json["summary"]["targets"][0]["name"] == "t");
}

TEST_CASE("mixture-of-experts models have their own lines in the JSON and the text") {
  RecordSet set = small_set();
  set.records[0].record_class = set.records[1].record_class = "moe";
  set.records[0].model_name = "Mixture-B";
  set.records[1].model_name = "Mixture-A";
  const Validation validation = validate(set, {}, fake);
  const auto json = nlohmann::json::parse(validation_json(validation));
  const auto& models = json["summary"]["expert_models"];
  REQUIRE(models.size() == 2);
  CHECK(models[0]["name"] == "Mixture-A");
  CHECK(models[0]["time"]["count"] == 1);
  CHECK(models[0]["time"]["mean_abs_error"].get<double>() ==
        Approx(std::abs(json["records"][1]["error"].get<double>())));
  const std::string text = validation_text(validation);
  const std::size_t heading = text.find("\nmixture of experts ");
  REQUIRE(heading != std::string::npos);
  CHECK(text.find("\nMixture-A ", heading) < text.find("\nMixture-B ", heading));
  CHECK(text.find("\nMixture-B ", heading) != std::string::npos);
  CHECK(validation_text(validate(small_set(), {}, fake)).find("mixture of experts") ==
        std::string::npos);
}

TEST_CASE("the CSV has a line a record and as many cells as its header") {
  const CsvTable table = parse_csv(validation_csv(validate(small_set(), {}, fake)), "out");
  CHECK(table.rows.size() == 8);
}

TEST_CASE("the plot draws a point a step time, the diagonal and both margins") {
  const std::string svg = validation_svg(validate(small_set(), {}, fake));
  std::size_t circles = 0;
  for (std::size_t at = svg.find("<circle"); at != std::string::npos;
       at = svg.find("<circle", at + 1)) {
    ++circles;
  }
  CHECK(circles == 5);  // four records and the legend
  CHECK(svg.find("stroke-dasharray") != svg.rfind("stroke-dasharray"));
  CHECK(svg.rfind("</svg>\n") == svg.size() - 7);
}

TEST_CASE("the table of the docs is replaced and guarded") {
  const std::string table = accuracy_table(validate(small_set(), {}, fake));
  const std::string document =
      "before\n<!-- validate:begin -->\nold\n<!-- validate:end -->\nafter\n";
  const std::string current = replace_table(document, table);
  CHECK(current.find("old") == std::string::npos);
  CHECK(current.substr(0, 7) == "before\n");
  CHECK(current.substr(current.size() - 6) == "after\n");
  CHECK(replace_table(current, table) == current);
  CHECK(regressions(current, table).empty());
  // Slower by half: every error grows, or shrinks where it was negative; some row must be worse.
  const auto slow = [](const std::string& text, const std::string& name) {
    Prediction prediction = fake(text, name);
    prediction.step_time_s *= 5.0;
    return prediction;
  };
  CHECK_FALSE(regressions(current, accuracy_table(validate(small_set(), {}, slow))).empty());
  CHECK_THROWS_AS(regressions("no table", table), std::invalid_argument);
  CHECK_THROWS_AS(replace_table("no table", table), std::invalid_argument);
}
