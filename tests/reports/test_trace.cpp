// The trace against the rules of Chrome trace events and of Holistic Trace Analysis.
#include <unistd.h>
#include <zlib.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>

#include "reports/file.hpp"
#include "reports/trace.hpp"
#include "tests/reports/sample_report.hpp"

using nlohmann::json;
using reports_test::sample_report;

namespace {

const std::vector<std::int64_t> kRanks{0, 1};

json events_of(const std::string& text, const std::string& phase) {
  json out = json::array();
  const json trace = json::parse(text);
  for (const json& event : trace["traceEvents"]) {
    if (event["ph"] == phase) out.push_back(event);
  }
  return out;
}

std::string gunzip(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  REQUIRE(file != nullptr);
  std::string out(1U << 20U, '\0');
  const int size = gzread(file, out.data(), static_cast<unsigned>(out.size()));
  gzclose(file);
  out.resize(static_cast<std::size_t>(std::max(size, 0)));
  return out;
}

class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() / ("stepcast-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::size_t count() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("HTA: the rank stands before the events, after a blank") {
  const std::string text = reports::trace_text(sample_report(), std::span(&kRanks[1], 1));
  std::smatch match;
  REQUIRE(std::regex_search(text, match, std::regex(R"("rank":\s+(\d+))")));
  CHECK(match[1] == "1");
  CHECK(text.find("\"distributedInfo\"") < text.find("\"traceEvents\""));
}

TEST_CASE("HTA: device slices have category, duration and a stream") {
  for (const json& event : events_of(reports::trace_text(sample_report(), kRanks), "X")) {
    CHECK(event.contains("cat"));
    CHECK(event["dur"].get<double>() >= 0.0);
    REQUIRE(event["args"].is_object());
    if (event["cat"] == "user_annotation") continue;
    CHECK(event["args"]["stream"].get<int>() >= 0);
    CHECK(event["args"]["stream"] == event["tid"]);
  }
}

TEST_CASE("HTA: names tell communication, copies and compute apart") {
  const std::regex communication("^nccl.*");
  const std::regex memory("^Memcpy|^Memset");
  const std::regex not_compute("nccl|Memcpy|Memset|dma|^.*Sync");
  std::map<int, int> seen;
  for (const json& event : events_of(reports::trace_text(sample_report(), kRanks), "X")) {
    if (event["cat"] == "user_annotation") continue;
    const auto name = event["name"].get<std::string>();
    const int track = event["tid"].get<int>() % 100;
    if (track == 7) CHECK_FALSE(std::regex_search(name, not_compute));
    if (track >= 20 && track < 40) CHECK(std::regex_search(name, communication));
    if (track == 40) CHECK(std::regex_search(name, memory));
    ++seen[track];
  }
  CHECK(seen == std::map<int, int>{{7, 3}, {20, 2}, {24, 1}, {25, 1}, {40, 1}});
}

TEST_CASE("HTA: at most one step marker a rank") {
  std::map<int, int> markers;
  for (const json& event : events_of(reports::trace_text(sample_report(), kRanks), "X")) {
    if (event["name"] == "ProfilerStep#0") ++markers[event["pid"].get<int>()];
  }
  CHECK(markers == std::map<int, int>{{0, 1}, {1, 1}});
}

TEST_CASE("times have at most three decimals and slices of a track never overlap") {
  const std::string text = reports::trace_text(sample_report(), kRanks);
  CHECK_FALSE(std::regex_search(text, std::regex(R"x("(ts|dur)": \d+\.\d{4})x")));
  std::map<std::pair<int, int>, double> busy_until;
  for (const json& event : events_of(text, "X")) {
    if (event["cat"] == "user_annotation") continue;
    double& until = busy_until[{event["pid"].get<int>(), event["tid"].get<int>()}];
    CHECK(event["ts"].get<double>() >= until);
    until = event["ts"].get<double>() + event["dur"].get<double>();
  }
  CHECK(busy_until.count({0, 120}) == 1);  // the overlapping collective has a lane of its own
}

TEST_CASE("memory counters and track names are there") {
  const std::string text = reports::trace_text(sample_report(), kRanks);
  const json counters = events_of(text, "C");
  REQUIRE(counters.size() == 2);
  CHECK(counters[0]["args"]["activations"] == 3.0);
  CHECK(counters[1]["args"]["parameters"] == 12.0);
  CHECK(text.find("rank 1 · node 0 · gpu 1 · pp 1 dp 0 cp 0 tp 0") != std::string::npos);
  CHECK(json::parse(text)["simulator"]["tool"] == "stepcast");
}

TEST_CASE("a folder gets one compressed file a rank") {
  const Folder folder;
  const auto files = reports::write_trace(sample_report(), folder.file(""));
  REQUIRE(files.size() == 2);
  CHECK(files[1] == folder.file("rank-1.json.gz"));
  const json trace = json::parse(gunzip(files[1]));
  CHECK(trace["distributedInfo"]["rank"] == 1);
  CHECK(trace["distributedInfo"]["world_size"] == 2);
}

TEST_CASE("output files are whole or absent") {
  const Folder folder;
  const std::string path = folder.file("out.txt");
  reports::write_file(path, "old");
  {
    reports::OutputFile file(path, reports::Compression::none);
    file.write("half");
  }  // never committed
  std::ifstream in(path);
  CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == "old");
  CHECK(folder.count() == 1);
  CHECK_THROWS_AS(reports::write_file(folder.file("no/such/folder"), "x"), reports::OutputError);
  CHECK_THROWS_AS(reports::write_file("/dev/full", "x"), reports::OutputError);
}
