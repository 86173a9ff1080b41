#include <nlohmann/json.hpp>

#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "collectives/collective.hpp"
#include "formats/format.hpp"
#include "models/operators.hpp"
#include "reports/json.hpp"
#include "reports/table.hpp"
#include "reports/text.hpp"
#include "scenarios/reader.hpp"
#include "strategies/registry.hpp"

namespace apps {
namespace {

using nlohmann::ordered_json;

struct Entry {
  std::string name;
  std::string detail;  // a column between name and summary; may be empty
  std::string summary;
  ordered_json more = ordered_json::object();
};

std::vector<Entry> models() {
  std::vector<Entry> out;
  for (const auto& item : scenarios::list_catalogue("models")) {
    const auto count = ::models::count_parameters(scenarios::read_model(item.name));
    out.push_back({item.name,
                   reports::grouped(count.total),
                   item.summary,
                   {{"parameters", count.total}, {"active_parameters", count.active}}});
  }
  return out;
}

std::vector<Entry> catalogue(const std::string& section) {
  std::vector<Entry> out;
  for (const auto& item : scenarios::list_catalogue(section)) {
    out.push_back({item.name, "", item.summary});
  }
  return out;
}

std::vector<Entry> collectives() {
  std::vector<Entry> out;
  for (const auto& item : ::collectives::algorithms()) {
    out.push_back({std::string(item.name), "", std::string(item.summary)});
  }
  return out;
}

std::vector<Entry> strategies() {
  std::vector<Entry> out;
  for (const auto& item : ::strategies::strategy_table()) {
    const std::string dimension(item.dimension);
    out.push_back(
        {std::string(item.name), dimension, std::string(item.summary), {{"dimension", dimension}}});
  }
  return out;
}

std::vector<Entry> schedules() {
  std::vector<Entry> out;
  for (const auto& item : ::strategies::schedules()) {
    out.push_back({std::string(item.name),
                   "",
                   std::string(item.summary),
                   {{"splits_backward", item.splits_backward}}});
  }
  return out;
}

std::vector<Entry> formats() {
  std::vector<Entry> out;
  for (const auto& item : ::formats::format_table()) {
    const bool in = item.read != nullptr, out_of = item.write != nullptr;
    const std::string ways = in && out_of ? "import, export" : in ? "import" : "export";
    out.push_back({std::string(item.name),
                   ways,
                   std::string(item.summary),
                   {{"import", in}, {"export", out_of}}});
  }
  return out;
}

std::vector<Entry> entries(const std::string& what) {
  if (what == "models") return models();
  if (what == "collectives") return collectives();
  if (what == "strategies") return strategies();
  if (what == "schedules") return schedules();
  if (what == "formats") return formats();
  return catalogue(what);
}

std::string json(const std::vector<Entry>& list) {
  ordered_json out = ordered_json::array();
  for (const Entry& entry : list) {
    ordered_json item{{"name", entry.name}, {"summary", entry.summary}};
    item.update(entry.more);
    out.push_back(std::move(item));
  }
  return reports::dump(out);
}

std::string table(const std::vector<Entry>& list, const std::string& what) {
  const auto align = what == "models" ? reports::Align::right : reports::Align::left;
  const bool detailed = !list.empty() && !list.front().detail.empty();
  std::vector<reports::Column> columns{{"", reports::Align::left}};
  if (detailed) columns.push_back({what == "models" ? "parameters" : "", align});
  columns.push_back({"", reports::Align::left});
  reports::Table rows(std::move(columns));
  for (const Entry& entry : list) {
    if (detailed) {
      rows.row({entry.name, entry.detail, entry.summary});
    } else {
      rows.row({entry.name, entry.summary});
    }
  }
  return rows.text();
}

}  // namespace

int execute(const ListOptions& options) {
  const std::vector<Entry> list = entries(options.what);
  print(options.format == Format::json ? json(list) : table(list, options.what));
  return kOk;
}

}  // namespace apps
