// The shipped records: strict parsing, configuration only, and all of them well formed.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <set>

#include "studies/records.hpp"

using studies::CsvTable;
using studies::parse_csv;
using studies::Record;
using studies::RecordError;
using studies::records_of;

namespace {

std::string error_of(const std::string& text) {
  try {
    records_of(parse_csv(text, "file.csv"), "file");
  } catch (const RecordError& error) {
    return error.what();
  }
  return "";
}

const studies::RecordSet& shipped() {
  static const studies::RecordSet set = studies::load_records(studies::default_records_folder());
  return set;
}

}  // namespace

TEST_CASE("cells may be quoted and hold commas, quotes and newlines") {
  const CsvTable table = parse_csv("a,b\n\"x, \"\"y\"\"\",\"two\nlines\"\nz,\n", "t");
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0].cells == std::vector<std::string>{"x, \"y\"", "two\nlines"});
  CHECK(table.rows[1].cells == std::vector<std::string>{"z", ""});
  CHECK(table.rows[1].line == 4);
  CHECK(studies::csv_cell("x, \"y\"") == "\"x, \"\"y\"\"\"");
  CHECK(studies::csv_cell("plain") == "plain");
}

TEST_CASE("malformed files are errors with a line") {
  CHECK(error_of("") == "file.csv:1: the file is empty");
  CHECK(error_of("id,class\na\n") == "file.csv:2: 1 cells where the header has 2");
  CHECK(error_of("id,class\na,\"b\n") == "file.csv:3: a quoted cell is not closed");
  CHECK(error_of("id,class\na,b\"c\n") == "file.csv:2: a quote inside an unquoted cell");
  CHECK(error_of("id,class\na,\"b\"c\n") == "file.csv:2: text after a closing quote");
  CHECK(error_of("id,id\na,b\n") == "file.csv:1: column 'id' appears twice");
  CHECK(error_of("id,colour\na,red\n") == "file.csv:1: unknown column 'colour'");
}

TEST_CASE("malformed records are errors with a line") {
  CHECK(error_of("id,class\na,dense17\n") == "file.csv:2: unknown class");
  CHECK(error_of("id,class,measured.step_time_s\na,fp8,1.5s\n") ==
        "file.csv:2: measured.step_time_s: '1.5s' is not a positive number");
  CHECK(error_of("id,class,measured.step_time_s\na,fp8,-1\n") ==
        "file.csv:2: measured.step_time_s: '-1' is not a positive number");
  CHECK(error_of("id,class,use\na,fp8,maybe\n") ==
        "file.csv:2: use: 'maybe' is not one of its values");
  CHECK(error_of("id,class,use\na,fp8,no\n") == "file.csv:2: a note has to say why");
  CHECK(error_of("id,class\na,fp8\n*,fp8\n") ==
        "file.csv:3: the default row '*' has to come first, once");
}

TEST_CASE("a blank cell takes the value of the default row") {
  const auto records = records_of(
      parse_csv("id,class,model.layers,strategy.tp\n*,fp8,12,8\na,,,\nb,moe,,2\n", "t"), "s");
  REQUIRE(records.size() == 2);
  CHECK(records[0].record_class == "fp8");
  CHECK(records[0].setting("model.layers") == "12");
  CHECK(records[1].record_class == "moe");
  CHECK(records[1].setting("strategy.tp") == "2");
  CHECK(records[1].setting("strategy.pp").empty());
}

TEST_CASE("the scenario of a record nests its dotted keys") {
  const auto records =
      records_of(parse_csv("id,class,model.layers,model.moe.experts,cluster.gpus,model.moe.top_k,"
                           "strategy.pp_layout,implementation,measured.step_time_s\n"
                           "r1,moe,4,8,16,2,{embedding_as_layer: true},nemo,1.25\n",
                           "t"),
                 "s");
  CHECK(studies::scenario_text(records[0]) ==
        "name: r1\n"
        "model:\n"
        "  layers: 4\n"
        "  moe:\n"
        "    experts: 8\n"
        "    top_k: 2\n"
        "cluster:\n"
        "  gpus: 16\n"
        "strategy:\n"
        "  pp_layout: {embedding_as_layer: true}\n"
        "implementation: nemo\n");
}

TEST_CASE("every shipped record can be told apart and placed") {
  REQUIRE(shipped().records.size() > 3500);
  REQUIRE(shipped().sources.size() >= 25);
  std::set<std::string> used;
  for (const Record& record : shipped().records) {
    INFO(record.id);
    used.insert(record.source);
    CHECK(!record.setting("cluster.gpus").empty());
    CHECK(!record.setting("training.seq_len").empty());
    CHECK(!(record.setting("implementation") + record.setting("implementation.base")).empty());
    CHECK((record.measured.fits || record.record_class == "failed"));
    // A FLOP/s figure is worth nothing without its convention.
    CHECK((record.measured.tflops_per_gpu == 0.0 || !record.measured.flops_convention.empty()));
  }
  CHECK(used.size() == shipped().sources.size());
}

TEST_CASE("rankings keep models, clusters and sequence lengths apart") {
  const auto records = records_of(
      parse_csv("id,class,model.layers,cluster.gpus,training.seq_len,strategy.tp\n"
                "a,fp8,12,8,4096,1\nb,fp8,12,8,4096,8\nc,fp8,12,16,4096,8\nd,fp8,24,8,4096,8\n",
                "t"),
      "s");
  CHECK(studies::ranking_group(records[0]) == studies::ranking_group(records[1]));
  CHECK(studies::ranking_group(records[0]) != studies::ranking_group(records[2]));
  CHECK(studies::ranking_group(records[0]) != studies::ranking_group(records[3]));
}
