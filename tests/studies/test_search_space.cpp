// What a search chooses from: its cores, how they are kept, and how many there may be.
#include <catch2/catch.hpp>
#include <string>

#include "scenarios/reader.hpp"
#include "studies/search_space.hpp"

namespace {

studies::SearchSpace space_of(const std::string& search) {
  scenarios::ReadOptions options;
  options.check_strategy = false;
  return studies::SearchSpace(scenarios::read_scenario_text(
      "model: {layers: 8, hidden: 512, heads: 8, kv_heads: 8, ffn: 1024, vocab: 8192}\n"
      "cluster: {preset: dgx-h100, gpus: 16}\n"
      "training: {seq_len: 4096, global_batch: 64}\n" +
          search,
      "space", options));
}

studies::SearchCore core_of(std::initializer_list<std::int64_t> values) {
  studies::SearchCore core;
  std::copy(values.begin(), values.end(), core.values.begin());
  return core;
}

}  // namespace

TEST_CASE("a list of cores gives back what was put in, also of lists joined") {
  studies::CoreList list(3), others(3);
  list.push_back(core_of({1, -7, 1'000'000'000}));
  list.push_back(core_of({2, -7, 0}));
  others.push_back(core_of({2, 5, 0}));
  others.push_back(core_of({1, -7, 0}));
  list.append(others);
  REQUIRE(list.size() == 4);
  CHECK(list[0].values == core_of({1, -7, 1'000'000'000}).values);
  CHECK(list[1].values == core_of({2, -7, 0}).values);
  CHECK(list[2].values == core_of({2, 5, 0}).values);
  CHECK(list[3].values == core_of({1, -7, 0}).values);
  CHECK(list.agree(0, 3, 2));
  CHECK_FALSE(list.agree(0, 3, 3));
  CHECK_FALSE(list.agree(1, 2, 2));
}

TEST_CASE("cores are the same on any number of threads, and neighbours share what is outside pp") {
  const studies::SearchSpace space = space_of("");
  const studies::CoreList one = space.cores(1).list, three = space.cores(3).list;
  REQUIRE(one.size() > 1000);
  REQUIRE(one.size() == three.size());
  bool equal = true;
  std::size_t blocks = 0;
  for (std::size_t c = 0; c < one.size(); ++c) {
    equal = equal && one[c].values == three[c].values;
    if (c > 0 && !one.agree(c - 1, c, space.inner_dimensions())) ++blocks;
  }
  CHECK(equal);
  CHECK(blocks > 5);
  CHECK(blocks < one.size() / 20);
}

TEST_CASE("a search that is to stop has no more cores") {
  const studies::SearchSpace space = space_of("");
  CHECK(space.cores(2, studies::kMostCores, [] { return true; }).list.empty());
  CHECK(!space.cores(2, studies::kMostCores, [] { return false; }).list.empty());
}

TEST_CASE("more values of a key than a search can tell apart are refused") {
  std::string values = "1";
  for (int i = 2; i <= 65'537; ++i) values += "," + std::to_string(i);
  try {
    space_of("search: {ranges: {micro_batch: [" + values + "]}}\n");
    FAIL("they were not refused");
  } catch (const scenarios::ScenarioError& error) {
    CHECK(error.kind() == scenarios::ErrorKind::limit);
    CHECK(error.diagnostics().front().to_string().find("at most 65536") != std::string::npos);
  }
}

TEST_CASE("more cores than a search may have are refused, on any number of threads") {
  const studies::SearchSpace space = space_of("search: {fixed: {tp: 2}, ranges: {cp: [1, 2]}}\n");
  const std::size_t all = space.cores().list.size();
  REQUIRE(all > 10);
  for (const unsigned threads : {1U, 4U}) {
    CHECK(space.cores(threads, all).list.size() == all);
    try {
      space.cores(threads, all - 1);
      FAIL("it was not refused");
    } catch (const scenarios::ScenarioError& error) {
      CHECK(error.kind() == scenarios::ErrorKind::limit);
      CHECK(error.diagnostics().front().message.find("more than " + std::to_string(all - 1)) !=
            std::string::npos);
    }
  }
}
