// docs/import-errors.md: what fits to the shipped nccl-tests sweeps predict of sizes left out.
#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "studies/piecewise_fit.hpp"

using namespace studies;

namespace {

const std::string kRoot = STEPCAST_SOURCE_DIR;

std::vector<std::vector<std::string>> rows_of(const std::string& file, std::size_t columns) {
  std::ifstream in(kRoot + "/tests/collectives/data/" + file);
  REQUIRE(in);
  std::vector<std::vector<std::string>> rows;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream cells(line);
    std::vector<std::string> row(columns);
    for (std::string& cell : row) std::getline(cells, cell, ',');
    rows.push_back(std::move(row));
  }
  return rows;
}

struct Imported {
  std::string name, group;
  CrossChecked fit;
};

// Sizes too few for latency and bandwidth.
struct Refused {
  std::string name, group, sizes;
};

std::string sizes_of(const std::vector<Timing>& sweep) {
  std::string text;
  for (const Timing& timing : sweep) {
    text += fmt::format("{}{} GiB", text.empty() ? "" : ", ", timing.bytes >> 30U);
  }
  return text;
}

std::map<std::string, std::vector<Imported>> by_system(std::vector<Refused>& refused) {
  std::map<std::string, std::vector<Timing>> timings;
  for (const auto& row : rows_of("nccl_points.csv", 3)) {
    timings[row[0]].push_back({std::stoll(row[1]), std::stod(row[2]) * 1e-6});
  }
  std::map<std::string, std::vector<Imported>> out;
  for (const auto& row : rows_of("nccl_sweeps.csv", 6)) {
    const auto& sweep = timings.at(row[0]);
    const std::string group = fmt::format("{} | {} on {}", row[3], row[4], row[5]);
    if (sweep.size() < kLeastPoints) {
      refused.push_back({row[0], group, sizes_of(sweep)});
    } else {
      out[row[1]].push_back({row[0], group, fit_and_check(sweep)});
    }
  }
  return out;
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100.0 * share); }

std::string page() {
  std::vector<Refused> refused;
  const auto systems = by_system(refused);
  std::string families, sweeps, short_ones;
  for (const Refused& sweep : refused) {
    short_ones += fmt::format("| {} | {} | {} |\n", sweep.name, sweep.group, sweep.sizes);
  }
  std::vector<double> all, worst;
  std::size_t count = 0;
  for (const auto& [system, list] : systems) {
    std::vector<double> here, worst_here;
    for (const Imported& sweep : list) {
      const FitQuality& q = sweep.fit.quality;
      ++count;
      sweeps += fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", sweep.name, sweep.group,
                            q.points + q.held_out, sweep.fit.segments.size(), q.held_out,
                            q.held_out > 0 ? percent(q.median) : "",
                            q.held_out > 0 ? percent(q.worst) : "");
      if (q.held_out == 0) continue;
      here.push_back(q.median);
      worst_here.push_back(q.worst);
    }
    families += fmt::format("| {} | {} | {} | {} |\n", system, list.size(),
                            here.empty() ? "" : percent(median(here)),
                            here.empty() ? "" : percent(quantile(worst_here, 1.0)));
    all.insert(all.end(), here.begin(), here.end());
    worst.insert(worst.end(), worst_here.begin(), worst_here.end());
  }
  return fmt::format(
      "# Errors of imported sweeps\n\n"
      "What `calibrate import` makes of the {} nccl-tests sweeps in `tests/collectives/data`: "
      "every\n"
      "fourth inner size is left out, the rest fitted, and the fit held against those sizes\n"
      "(docs/calibration.md). Over all sweeps the median of the median errors is {}, nine tenths "
      "are\n"
      "below {}; the worst single size of a sweep is off by {} in the median. Blank: too few "
      "sizes\n"
      "to leave any out.\n\n"
      "Written by `STEPCAST_UPDATE=1 build/release/tests/test_studies \"[docs]\"`; a test holds it "
      "up\n"
      "to date.\n\n"
      "## By system\n\n"
      "| system | sweeps | median of median errors | worst single size |\n| --- | --- | --- | --- "
      "|\n"
      "{}\n"
      "## By sweep\n\n"
      "| sweep | collective | ranks on domains | sizes | pieces | left out | median error | worst "
      "|\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- |\n{}\n"
      "## Not fitted\n\n"
      "{} sweeps have one or two sizes, all of them of gibibytes. A rate follows from such, and "
      "no\n"
      "latency: a fit of one piece would price the kilobytes and megabytes of a training step as "
      "if\n"
      "they had none. `calibrate import` warns and leaves them out.\n\n"
      "| sweep | collective | ranks on domains | sizes |\n| --- | --- | --- | --- |\n{}",
      count, percent(median(all)), percent(quantile(all, 0.9)), percent(median(worst)), families,
      sweeps, refused.size(), short_ones);
}

}  // namespace

TEST_CASE("the page of imported sweeps has a row for each of them, under its heading") {
  const std::string text = page();
  const std::size_t sweeps = text.find("## By sweep"), rest = text.find("## Not fitted");
  REQUIRE(text.find("## By system") < sweeps);
  REQUIRE(sweeps < rest);
  REQUIRE(rest != std::string::npos);
  std::map<std::string, std::size_t> sizes;
  for (const auto& row : rows_of("nccl_points.csv", 3)) ++sizes[row[0]];
  for (const auto& row : rows_of("nccl_sweeps.csv", 6)) {
    const std::size_t at = text.find("| " + row[0] + " |");
    INFO(row[0]);
    REQUIRE(at != std::string::npos);
    CHECK((at > rest) == (sizes.at(row[0]) < kLeastPoints));
    CHECK(at > sweeps);
  }
}

TEST_CASE("docs/import-errors.md has the errors of the fits to the shipped sweeps", "[docs]") {
  const std::string path = kRoot + "/docs/import-errors.md";
  const std::string expected = page();
  if (std::getenv("STEPCAST_UPDATE") != nullptr) std::ofstream(path) << expected;
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  INFO("run STEPCAST_UPDATE=1 test_studies \"[docs]\"");
  CHECK(text.str() == expected);
}
