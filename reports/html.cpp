#include "reports/html.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "reports/json.hpp"
#include "reports/page.hpp"
#include "reports/sha256.hpp"
#include "reports/text.hpp"
#include "reports/trace.hpp"
#include "reports/trace_names.hpp"

namespace reports {
namespace {

using nlohmann::ordered_json;
using scenarios::Report;
using scenarios::Slice;

constexpr std::size_t kMaxSlices = 200'000;  // about 5 MB of page

double microseconds(sim::Time time) { return static_cast<double>(time.count() / 1000) / 1e3; }

// Neighbours of one pass (kind, micro-batch, chunk) are drawn as one: a layer is too fine to see.
bool same_pass(const Slice& a, const Slice& b) {
  return a.category == b.category && a.micro_batch == b.micro_batch && a.chunk == b.chunk;
}

struct Timeline {
  ordered_json rows = ordered_json::array();
  std::vector<std::string> kinds;
  std::size_t count = 0;
  std::size_t left_out = 0;

  std::size_t kind(const std::string& name) {
    const auto found = std::find(kinds.begin(), kinds.end(), name);
    if (found != kinds.end()) return static_cast<std::size_t>(found - kinds.begin());
    kinds.push_back(name);
    return kinds.size() - 1;
  }

  void add_row(std::string label, const std::vector<const Slice*>& slices) {
    ordered_json items = ordered_json::array();
    for (std::size_t i = 0; i < slices.size();) {
      const Slice& first = *slices[i];
      sim::Time finish = first.finish;
      for (++i; i < slices.size() && same_pass(first, *slices[i]); ++i) {
        finish = std::max(finish, slices[i]->finish);
      }
      if (count++ >= kMaxSlices) {
        ++left_out;
        continue;
      }
      items.push_back({microseconds(first.start), microseconds(finish) - microseconds(first.start),
                       kind(first.category), first.micro_batch, first.chunk});
    }
    rows.push_back({{"label", std::move(label)}, {"slices", std::move(items)}});
  }
};

ordered_json timeline_json(const Report& report) {
  Timeline timeline;
  for (const std::int64_t rank : traced_ranks(report)) {
    std::map<std::size_t, std::vector<const Slice*>> tracks;
    for (const Slice& slice : report.slices) {
      if (slice.rank == rank) tracks[base_track(slice)].push_back(&slice);
    }
    for (auto& [track, slices] : tracks) {
      std::stable_sort(slices.begin(), slices.end(),
                       [](const Slice* a, const Slice* b) { return a->start < b->start; });
      timeline.add_row(fmt::format("rank {} {}", rank, stream_label(track)), slices);
    }
  }
  return {{"end_us", microseconds(report.step_time)},
          {"kinds", timeline.kinds},
          {"rows", std::move(timeline.rows)},
          {"left_out", timeline.left_out}};
}

std::string about(const Report& report) {
  const auto& scenario = report.scenario;
  return fmt::format("{} on {} × {}, {}; {}", scenario.model.name, grouped(scenario.cluster.gpus),
                     scenario.device.name, scenario.implementation.name, report.fold.certificate);
}

}  // namespace

std::string html(const Report& report) {
  ordered_json result = to_json(report);
  result["simulation"].erase("wall_s");  // the same page for the same input
  const ordered_json data{
      {"result", std::move(result)}, {"about", about(report)}, {"timeline", timeline_json(report)}};
  const std::string json = data.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  const std::string_view script = page_script();
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "script-src 'sha256-{}'; style-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n"
      "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n"
      "<h1 id=\"name\"></h1>\n<p id=\"about\" class=\"soft\"></p>\n<main id=\"report\"></main>\n"
      "<script type=\"application/json\" id=\"data\">{}</script>\n"
      "<script>{}</script>\n</body>\n</html>\n",
      base64(sha256(script)), html_text(report.scenario.name), page_style(), script_safe(json),
      script);
}

}  // namespace reports
