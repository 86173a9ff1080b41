#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "reports/comparison.hpp"
#include "reports/html.hpp"
#include "reports/page.hpp"
#include "reports/sha256.hpp"
#include "reports/summary.hpp"
#include "reports/table.hpp"
#include "reports/text.hpp"
#include "tests/reports/sample_report.hpp"

using reports_test::sample_report;

TEST_CASE("numbers for people") {
  CHECK(reports::time_text(sim::Time::zero()) == "0 s");
  CHECK(reports::time_text(sim::Time::ps(23'412'345'678'901)) == "23.41 s");
  CHECK(reports::time_text(sim::Time::us(412'300)) == "412.3 ms");
  CHECK(reports::time_text(sim::Time::ns(1'250)) == "1.250 us");
  CHECK(reports::signed_time_text(sim::Time::us(-1500)) == "-1.500 ms");
  CHECK(reports::signed_time_text(sim::Time::us(1500)) == "+1.500 ms");
  CHECK(reports::grouped(0) == "0");
  CHECK(reports::grouped(999) == "999");
  CHECK(reports::grouped(16384) == "16,384");
  CHECK(reports::grouped(-1234567) == "-1,234,567");
  CHECK(reports::percent_text(0.4123) == "41.2 %");
  CHECK(reports::si_text(4.085e19, "FLOP") == "40.85 EFLOP");
  CHECK(reports::gib_text(sim::Bytes(std::int64_t{3} << 29)) == "1.50 GiB");
}

TEST_CASE("CSV cells") {
  CHECK(reports::csv_cell("plain") == "plain");
  CHECK(reports::csv_cell("a,b") == "\"a,b\"");
  CHECK(reports::csv_cell("say \"hi\"") == "\"say \"\"hi\"\"\"");
  CHECK(reports::csv_cell("=1+1") == "'=1+1");
  CHECK(reports::csv_cell("-2") == "'-2");
}

TEST_CASE("tables align by characters, not bytes") {
  reports::Table table({{"name", reports::Align::left}, {"x"}});
  table.row({"é", "1"});
  table.row({"long", "22"});
  CHECK(table.text() == "name   x\né      1\nlong  22\n");
  CHECK(reports::bar(0.5, 4) == "██");
  CHECK(reports::bar(0.0, 4).empty());
  CHECK(reports::bar(7.0, 2) == "██");
}

TEST_CASE("SHA-256 of the standard's examples") {
  CHECK(reports::hex(reports::sha256("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(reports::hex(reports::sha256("")) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(reports::hex(reports::sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(reports::base64(reports::sha256("")) == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

TEST_CASE("the summary tells what matters, without control characters") {
  scenarios::Report report = sample_report();
  const std::string text = reports::summary(report, reports::Colour::off);
  for (const char* part : {"1.433 s", "41.0 %", "pipeline bubble", "data parallel", "of 80.00 GiB",
                           "fits, 59.00 GiB to spare", "a.yaml:3:5", "2 ranks, not folded"}) {
    CHECK(text.find(part) != std::string::npos);
  }
  CHECK(text.find("expert parallel") == std::string::npos);  // zero rows are left out
  CHECK(text.find('\x1b') == std::string::npos);
  report.fits = false;
  report.device_memory = sim::Bytes(std::int64_t{16} << 30);
  report.advice = {"recompute: full"};
  const std::string tight = reports::summary(report, reports::Colour::off);
  CHECK(tight.find("does not fit: 5.00 GiB too much") != std::string::npos);
  CHECK(tight.find("try recompute: full") != std::string::npos);
}

TEST_CASE("a comparison explains the difference by cause, largest first") {
  std::vector<scenarios::Report> reports{sample_report(), sample_report()};
  reports[0].scenario.name = "base";
  reports[1].scenario.name = "other";
  reports[1].breakdown.bubble = sim::Time::ps(3);
  reports[1].breakdown.exposed_tp = sim::Time::ps(20'000'000'000);
  reports[1].step_time = sim::Time::ps(1'353'333'333'337);
  reports[1].tokens_per_s *= 1'433'333'333'337.0 / 1'353'333'333'337.0;
  const std::string text = reports::comparison(reports, 0);
  const std::size_t reasons = text.find("other: step time -80.00 ms");
  REQUIRE(reasons != std::string::npos);
  CHECK(text.find("pipeline bubble", reasons) < text.find("tensor parallel", reasons));
  const auto json = reports::comparison_json(reports, 0);
  CHECK(json["results"].size() == 2);
  CHECK(json["results"][1]["name"] == "other");
  CHECK(json["differences"][0]["step_time_s"] == 0.0);
  CHECK(json["differences"][1]["breakdown_s"]["bubble"] == -0.1);
  CHECK(json["differences"][1]["throughput_ratio"].get<double>() == Approx(1.0591133));
}

TEST_CASE("the HTML report is inert and loads nothing") {
  const std::string page = reports::html(sample_report());
  CHECK(page.find("<img") == std::string::npos);
  CHECK(page.find("\\u003c/script\\u003e") != std::string::npos);
  CHECK(page.find("https://") == std::string::npos);
  CHECK(page.find("src=") == std::string::npos);
  CHECK(page.find("default-src 'none'") != std::string::npos);
  const std::string hash = reports::base64(reports::sha256(reports::page_script()));
  CHECK(page.find("script-src 'sha256-" + hash + "'") != std::string::npos);
  CHECK(page.find(reports::page_script()) != std::string::npos);
  const std::string open = "id=\"data\">";
  const std::size_t begin = page.find(open) + open.size();
  const auto data =
      nlohmann::json::parse(page.substr(begin, page.find("</script>", begin) - begin));
  CHECK(data["result"]["step_time_s"] == 1.433333333337);
  CHECK(data["timeline"]["rows"].size() == 6);
  CHECK(data["timeline"]["left_out"] == 0);
}
