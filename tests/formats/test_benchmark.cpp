// Each format from a file in that format, with the faults such files have in practice.
#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

#include "formats/benchmark.hpp"

using namespace formats;
using collectives::Kind;

namespace {

std::string sample(const std::string& name) {
  std::ifstream in(std::string(STEPCAST_SOURCE_DIR) + "/tests/formats/data/" + name);
  REQUIRE(in);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool warns(const Benchmark& benchmark, std::size_t line, const std::string& text) {
  for (const BenchmarkWarning& warning : benchmark.warnings) {
    if (warning.line == line && warning.message.find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("nccl-tests text: ranks, nodes and times: failed and cut rows are left out") {
  const Benchmark read = read_benchmark(sample("all_reduce_8xh100.txt"), {});
  REQUIRE(read.sweeps.size() == 1);
  const Sweep& sweep = read.sweeps.front();
  CHECK(sweep.kind == Kind::all_reduce);
  CHECK(sweep.members == 8);
  CHECK(sweep.nodes == 2);
  CHECK(sweep.device == "NVIDIA H100 80GB HBM3");
  CHECK_THAT(sweep.library, Catch::Contains("nccl-library=22105"));
  REQUIRE(sweep.points.size() == 7);  // 9 rows: one wrong, one cut
  CHECK(sweep.points[0].bytes.count() == 1024);
  CHECK(sweep.points[0].seconds == Approx(31.2e-6));
  CHECK(sweep.points[5].bytes.count() == 4194304);
  CHECK(warns(read, 23, "wrong results"));
  CHECK(warns(read, 26, "cut short"));
}

TEST_CASE("nccl-tests text of older releases, and as people share it") {
  // No root, and the largest deviation where newer ones count wrong values.
  const Benchmark old = read_benchmark(
      "# op: all_reduce\n# gpus: 4\n"
      "1024 256 float sum 16.10 0.06 0.10 1e-07 15.91 0.06 0.10 2e-07\n"
      "2048 512 float sum 16.69 0.12 0.18 3e+01 16.12 0.13 0.19 2e-07\n"
      "4096 1024 float sum 17.20 0.24 0.36 0e+00 17.00 0.24 0.36 0e+00\n",
      {});
  REQUIRE(old.sweeps.size() == 1);
  REQUIRE(old.sweeps[0].points.size() == 2);
  CHECK(old.sweeps[0].points[1].seconds == Approx(17.2e-6));
  CHECK(warns(old, 4, "wrong results"));
  // Only time and bandwidths.
  const Benchmark shared = read_benchmark(
      "# op: all_reduce\n# gpus: 8\n"
      "8388608 2097152 float sum -1 80.32 104.44 182.77\n"
      "4294967296 1073741824 float sum -1 10171 422.27 738.97\n",
      {});
  REQUIRE(shared.sweeps.size() == 1);
  REQUIRE(shared.sweeps[0].points.size() == 2);
  CHECK(shared.sweeps[0].points[0].seconds == Approx(80.32e-6));
  CHECK(shared.sweeps[0].points[1].seconds == Approx(10171e-6));
}

TEST_CASE("nccl-tests text without a name: the bandwidths tell an all-reduce") {
  const std::string text =
      "# gpus: 4\n"
      "1048576 262144 float sum -1 100.0 10.49 15.73 0 100.0 10.49 15.73 0\n"
      "2097152 524288 float sum -1 180.0 11.65 17.48 0 181.0 11.59 17.38 0\n";
  const Benchmark read = read_benchmark(text, {});
  REQUIRE(read.sweeps.size() == 1);
  CHECK(read.sweeps[0].kind == Kind::all_reduce);
  CHECK(read.sweeps[0].members == 4);

  // Older releases print no root; gathers and all-to-alls look alike, so the name has to say it.
  const std::string gather = "# gpus: 4\n1048576 65536 float none 50.0 20.97 15.73 0\n";
  const Benchmark unnamed = read_benchmark(gather, {});
  CHECK(unnamed.sweeps.empty());
  CHECK(warns(unnamed, 2, "--kind"));
  const Benchmark named = read_benchmark(gather, {"alltoall_perf.log", 0, 0, ""});
  REQUIRE(named.sweeps.size() == 1);
  CHECK(named.sweeps[0].kind == Kind::all_to_all);
  CHECK(named.sweeps[0].points[0].seconds == Approx(50e-6));
}

TEST_CASE("a file with two tables gives two sweeps") {
  const std::string table =
      "# nThread 1 nGpus 2\n# Rank 0 Group 0 Pid 1 on a device 0 [0x1] X\n"
      "# Rank 1 Group 0 Pid 1 on a device 1 [0x2] X\n";
  const Benchmark read = read_benchmark("# Collective test starting: all_reduce_perf\n" + table +
                                            "1024 256 float sum -1 10.0 0.1 0.1 0\n" +
                                            "# Collective test starting: broadcast_perf\n" + table +
                                            "1024 256 float none 0 9.0 0.1 0.1 0\n",
                                        {});
  REQUIRE(read.sweeps.size() == 2);
  CHECK(read.sweeps[0].kind == Kind::all_reduce);
  CHECK(read.sweeps[1].kind == Kind::broadcast);
  CHECK(read.sweeps[1].members == 2);
}

TEST_CASE("nccl-tests JSON: nan as text, failed checks, and never the environment") {
  const Benchmark read = read_benchmark(sample("all_gather.json"), {});
  REQUIRE(read.sweeps.size() == 1);
  const Sweep& sweep = read.sweeps.front();
  CHECK(sweep.kind == Kind::all_gather);
  CHECK(sweep.members == 4);
  CHECK(sweep.nodes == 1);
  CHECK(sweep.library == "NCCL 2.27.5");
  REQUIRE(sweep.points.size() == 3);
  CHECK(sweep.points[1].seconds == Approx(17e-6));  // in place, where out of place is nan
  CHECK(warns(read, 0, "wrong results"));
  for (const std::string& text : {sweep.tool, sweep.library, sweep.device}) {
    CHECK_THAT(text, !Catch::Contains("SECRET"));
  }
}

TEST_CASE("nccl-tests JSON of a run that died keeps its results, wherever it is cut") {
  const std::string text = sample("all_gather.json");
  const std::size_t second = text.find("\"size\": 1048576");
  const Benchmark read = read_benchmark(text.substr(0, second + 40), {});
  REQUIRE(read.sweeps.size() == 1);
  CHECK(read.sweeps[0].points.size() == 2);
  CHECK(warns(read, 0, "cut short"));
  for (std::size_t end = 0; end < text.size(); ++end) {
    const Benchmark cut = read_benchmark(text.substr(0, end), {});
    CHECK((end + 3 > text.size() || !cut.warnings.empty()));
    for (const Sweep& sweep : cut.sweeps) CHECK(sweep.points.size() <= 3);
  }
}

TEST_CASE("OSU: sizes are per other rank, rates become times, ranks have to be told") {
  const Benchmark read = read_benchmark(sample("osu.txt"), {"osu.txt", 4, 2, ""});
  REQUIRE(read.sweeps.size() == 2);
  CHECK(read.sweeps[0].kind == Kind::all_gather);
  CHECK(read.sweeps[0].nodes == 2);
  CHECK(read.sweeps[0].tool == "OSU micro-benchmarks 7.3");
  REQUIRE(read.sweeps[0].points.size() == 4);
  CHECK(read.sweeps[0].points[1].bytes.count() == 4096);
  CHECK(read.sweeps[0].points[1].seconds == Approx(6.2e-6));
  CHECK(read.sweeps[1].kind == Kind::send_recv);
  CHECK(read.sweeps[1].members == 2);
  CHECK(read.sweeps[1].points[1].seconds == Approx(8e-6));
  CHECK(warns(read, 14, "of no use"));

  const Benchmark unknown = read_benchmark(sample("osu.txt"), {});
  REQUIRE(unknown.sweeps.size() == 1);
  CHECK(unknown.sweeps[0].kind == Kind::send_recv);
  CHECK(warns(unknown, 0, "--ranks"));
}

TEST_CASE("kernel timings: what is no number is left out") {
  const Benchmark read = read_benchmark(sample("kernels.csv"), {});
  REQUIRE(read.kernels.size() == 4);
  CHECK(read.kernels[0].m == 4096);
  CHECK(read.kernels[1].batch == 1);
  CHECK(read.kernels[2].bytes.count() == std::int64_t{1} << 30);
  CHECK(warns(read, 4, "m, n and k"));
  CHECK(warns(read, 5, "no time"));
  CHECK(warns(read, 7, "neither gemm nor stream"));
}

TEST_CASE("impossible times are left out, falling ones are told") {
  const std::string head = "# op: all_reduce\n# ranks: 2\n";
  const Benchmark read = read_benchmark(head +
                                            "1024 256 float sum -1 0.0 0 0 0\n"
                                            "2048 512 float sum -1 -3.0 0 0 0\n"
                                            "1099511627776 1 float sum -1 1.0 0 0 0\n"
                                            "4096 1024 float sum -1 100.0 0 0 0\n"
                                            "8192 2048 float sum -1 20.0 0 0 0\n",
                                        {});
  REQUIRE(read.sweeps.size() == 1);
  CHECK(read.sweeps[0].points.size() == 2);
  CHECK(warns(read, 3, "cannot be"));
  CHECK(warns(read, 4, "cannot be"));
  CHECK(warns(read, 5, "cannot be"));
  CHECK(warns(read, 0, "but 8192 bytes only"));
}

TEST_CASE("what is no benchmark gives a warning and no measurement") {
  for (const char* text : {"", "hello\n", "{}", "[1,2", "{\"results\": 3}", "1 2 3\n", "# OSU\n"}) {
    const Benchmark read = read_benchmark(text, {});
    CHECK(read.sweeps.empty());
    CHECK(read.kernels.empty());
    CHECK(!read.warnings.empty());
  }
}
