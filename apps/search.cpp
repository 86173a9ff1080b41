#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "apps/search_output.hpp"
#include "apps/search_run.hpp"
#include "apps/simulation.hpp"
#include "apps/watch.hpp"
#include "reports/file.hpp"
#include "reports/json.hpp"
#include "scenarios/prediction_cache.hpp"
#include "studies/search_evaluate.hpp"
#include "studies/search_journal.hpp"
#include "studies/search_team.hpp"

namespace apps {
namespace {

using studies::Front;

// Below this many candidates the whole front is worked out unless asked otherwise.
constexpr std::uint64_t kSmallSpace = 20'000;

std::optional<Front> front_of(const std::string& name) {
  if (name == "exact") return Front::exact;
  if (name == "evaluated") return Front::evaluated;
  return std::nullopt;
}

std::unique_ptr<studies::SearchJournal> open_journal(const SearchOptions& options,
                                                     const studies::SearchSpace& space) {
  using Start = studies::SearchJournal::Start;
  if (options.journal.empty()) {
    if (options.resume || options.restart) throw UsageError("--resume needs --journal FILE");
    return nullptr;
  }
  const Start start =
      options.restart ? Start::restart : (options.resume ? Start::resume : Start::fresh);
  return std::make_unique<studies::SearchJournal>(options.journal, space, start);
}

scenarios::Report report_of(const studies::SearchSpace& space, const studies::Found& found,
                            scenarios::PredictionCache& cache) {
  scenarios::PredictOptions predict;
  predict.cache = &cache;
  scenarios::Report report =
      scenarios::predict(studies::materialise(space, found.strategy), predict);
  report.wall_s = 0.0;  // a resumed search prints the same bytes
  return report;
}

std::vector<scenarios::Report> reports_of(const studies::SearchSpace& space,
                                          const std::vector<studies::Found>& list,
                                          scenarios::PredictionCache& cache, unsigned threads) {
  std::vector<scenarios::Report> out(list.size());
  studies::parallel_for(
      list.size(), studies::thread_count(threads),
      [&](std::size_t, std::size_t i) { out[i] = report_of(space, list[i], cache); });
  return out;
}

SearchAdvice advice_of(const studies::SearchSpace& space, const SearchReports& found,
                       scenarios::PredictionCache& cache) {
  const double limit = studies::memory_limit(space.base());
  const auto predict = [&](const scenarios::Scenario& scenario) {
    scenarios::PredictOptions how;
    how.cache = &cache;
    scenarios::Report report = scenarios::predict(scenario, how);
    report.wall_s = 0.0;
    return report;
  };
  SearchAdvice out{studies::advise(space.base(), limit), {}, {}};
  if (!out.advice.possible) return out;
  out.report = predict(out.advice.scenario);
  if (!found.best.empty()) {
    out.disagreements = studies::disagreements(out.report, found.best.front(), limit, predict);
  }
  return out;
}

int finish(const SearchOptions& options, const studies::SearchResult& result,
           const SearchReports& all) {
  if (options.json) {
    print(reports::dump(search_json(options, result, all)));
  } else if (!result.best.empty()) {
    print(search_table(options, result, all));
  }
  if (result.best.empty() && result.complete) {
    complain(nothing_found(result.counts));
    return kInfeasible;
  }
  if (result.best.empty()) return kOk;
  if (!options.best.empty()) {
    reports::write_file(options.best, scenarios::to_yaml(all.best.front().scenario));
  }
  return kOk;
}

}  // namespace

scenarios::Scenario read_search_scenario(const SearchOptions& options) {
  scenarios::ReadOptions read;
  read.set = options.set;
  read.check_strategy = false;
  return scenarios::read_scenario(options.scenario, read);
}

int run_search(const SearchOptions& options, const studies::SearchSpace& space,
               scenarios::PredictionCache& cache, studies::SearchTeam& team) {
  Watch watch({options.time_limit_s, {}, true});
  studies::SearchOptions how;
  how.top = options.top;
  how.objective = *studies::find_objective(options.objective);
  how.front = front_of(options.front);
  how.small_space = kSmallSpace;
  how.threads = options.threads;
  const auto journal = open_journal(options, space);
  how.store = journal.get();
  how.on_round = [&](std::uint64_t done, std::uint64_t left) {
    watch.activity(fmt::format("searching: {} simulated, {} wait", done, left));
    return watch.early_end() == 0;
  };
  watch.activity("searching");
  const studies::SearchResult result = studies::search(space, how, team);
  watch.activity("reporting");
  SearchReports all{reports_of(space, result.best, cache, options.threads),
                    reports_of(space, result.pareto, cache, options.threads),
                    {}};
  if (options.explain) all.advice = advice_of(space, all, cache);
  watch.stop();
  const int code = finish(options, result, all);
  if (result.complete) return code;
  complain(options.journal.empty()
               ? "the search is not complete; with --journal FILE it could go on from here"
               : "the search is not complete; go on with --resume");
  return watch.early_end();
}

int execute(const SearchOptions& options) {
  limit_memory(options.max_memory);
  const scenarios::Scenario scenario = read_search_scenario(options);
  const studies::SearchSpace space(scenario);
  scenarios::PredictionCache cache(space.base());
  studies::ThreadTeam team(space, cache, options.threads);
  return run_search(options, space, cache, team);
}

}  // namespace apps
