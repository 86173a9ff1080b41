#include <fmt/format.h>

#include <algorithm>
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
#include "studies/search_journal.hpp"
#include "studies/search_team.hpp"
#include "studies/workers.hpp"

namespace apps {
namespace {

using studies::Front;

// Below this many candidates the whole front is worked out unless asked otherwise.
constexpr std::uint64_t kSmallSpace = 20'000;

std::optional<Front> front_of(const std::string& name) {
  if (name == "exact") return Front::exact;
  if (name == "evaluated") return Front::evaluated;
  if (name == "none") return Front::none;
  return std::nullopt;
}

using Spaces = std::vector<std::unique_ptr<SearchedSpace>>;

std::unique_ptr<studies::SearchJournal> open_journal(const SearchOptions& options,
                                                     const Spaces& spaces) {
  using Start = studies::SearchJournal::Start;
  if (options.journal.empty()) {
    if (options.resume) throw UsageError("--resume needs --journal FILE");
    if (options.restart) throw UsageError("--restart needs --journal FILE");
    return nullptr;
  }
  const Start start =
      options.restart ? Start::restart : (options.resume ? Start::resume : Start::fresh);
  std::vector<std::string> identities;
  for (const auto& each : spaces) identities.push_back(studies::identity(each->space));
  return std::make_unique<studies::SearchJournal>(options.journal, identities, start);
}

scenarios::Report report_of(SearchedSpace& searched, const studies::Found& found) {
  scenarios::PredictOptions predict;
  predict.cache = &searched.cache;
  scenarios::Report report =
      scenarios::predict(studies::materialise(searched.space, found.strategy), predict);
  report.wall_s = 0.0;  // a resumed search prints the same bytes
  return report;
}

studies::FrontAxes axes_of(const SearchOptions& options, bool several) {
  const auto asked = [&](const char* axis) {
    return std::find(options.pareto.begin(), options.pareto.end(), axis) != options.pareto.end();
  };
  return {asked("gpus") || (options.pareto.empty() && several), asked("cost")};
}

// The searches of all counts as one, and what is shown of it.
studies::SearchResult put_together(const SearchOptions& options, const Spaces& spaces,
                                   SearchReports& all) {
  std::vector<studies::SearchedCount> counts;
  studies::SearchResult out;
  out.complete = all.counts.size() == spaces.size();
  for (std::size_t i = 0; i < all.counts.size(); ++i) {
    counts.push_back({&spaces[i]->space.base(), &all.counts[i].result});
    out.complete = out.complete && all.counts[i].result.complete;
    out.pareto_exact = out.pareto_exact && all.counts[i].result.pareto_exact;
  }
  out.pareto_exact = out.pareto_exact && out.complete;
  out.counts = studies::total(counts);
  const auto objective = *studies::find_objective(options.objective);
  const auto best = studies::best_of_counts(counts, objective, options.top);
  for (const studies::FoundPlace& at : best) {
    out.best.push_back(all.counts[at.count].result.best[at.place]);
    all.best.push_back(all.counts[at.count].best[at.place]);
  }
  const auto front = studies::front_of_counts(counts, all.axes);
  all.pareto.resize(front.size());
  studies::parallel_for(
      front.size(), studies::thread_count(options.threads), [&](std::size_t, std::size_t i) {
        all.pareto[i] = report_of(*spaces[front[i].count],
                                  all.counts[front[i].count].result.pareto[front[i].place]);
      });
  for (const studies::FoundPlace& at : front) {
    out.pareto.push_back(all.counts[at.count].result.pareto[at.place]);
  }
  return out;
}

void warn_of_extended(const Spaces& spaces) {
  for (const auto& each : spaces) {
    const auto& cluster = each->space.base().cluster;
    if (cluster.real_gpus == 0 || cluster.gpus <= cluster.real_gpus) continue;
    complain(fmt::format("warning: {} has {} devices; {} are simulated by extending its fabric",
                         cluster.name, cluster.real_gpus, cluster.gpus));
  }
}

// The space of the best strategy; the first where there is none.
std::size_t winner(const Spaces& spaces, const SearchReports& found) {
  if (found.best.empty()) return 0;
  const std::int64_t gpus = found.best.front().scenario.cluster.gpus;
  const auto at = std::find_if(spaces.begin(), spaces.end(), [&](const auto& each) {
    return each->space.base().cluster.gpus == gpus;
  });
  return static_cast<std::size_t>(at - spaces.begin());
}

SearchAdvice advice_of(SearchedSpace& searched, const SearchReports& found) {
  const studies::SearchSpace& space = searched.space;
  const double limit = studies::memory_limit(space.base());
  const auto predict = [&](const scenarios::Scenario& scenario) {
    scenarios::PredictOptions how;
    how.cache = &searched.cache;
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

void check_front(const SearchOptions& options, bool several) {
  if (options.front == "none" && !options.pareto.empty()) {
    throw UsageError("--pareto names axes of a front that --front none leaves out");
  }
  if (!options.front_within) return;
  if (options.front != "auto" && options.front != "exact") {
    throw UsageError("--front-within is of an exact front, which --front " + options.front +
                     " leaves out");
  }
  if (several) {
    // What is too slow of one count could still beat what is not of another.
    throw UsageError("--front-within is of one GPU count, and search.gpus lists several");
  }
  if (options.objective == "memory") {
    throw UsageError("--front-within needs a fastest strategy: --objective step_time");
  }
}

struct Keeping {
  Watch& watch;
  studies::SearchJournal* journal;  // null = nothing is kept
};

// Each count after the other, until one is ended early.
void search_counts(const SearchOptions& options, Spaces& spaces, const MakeTeam& make_team,
                   Keeping keeping, SearchReports& all) {
  studies::SearchOptions how;
  how.top = options.top;
  how.objective = *studies::find_objective(options.objective);
  how.front = front_of(options.front);
  if (options.front_within) {
    how.front = Front::exact;
    how.front_within = 1.0 + *options.front_within / 100.0;
  }
  how.small_space = kSmallSpace;
  how.threads = options.threads;
  how.store = keeping.journal;
  how.on_round = [&](std::uint64_t done, std::uint64_t left) {
    keeping.watch.activity(fmt::format("searching: {} simulated, {} wait", done, left));
    return keeping.watch.early_end() == 0;
  };
  keeping.watch.activity("searching");
  for (std::size_t i = 0; i < spaces.size(); ++i) {
    if (keeping.journal) keeping.journal->begin(i);
    const auto team = make_team(i, *spaces[i], [&] { return keeping.watch.early_end() != 0; });
    all.counts.push_back(
        {spaces[i]->space.base().cluster.gpus, studies::search(spaces[i]->space, how, *team), {}});
    if (!all.counts.back().result.complete || keeping.watch.early_end() != 0) return;
  }
}

// Where there is no strategy on any count, because of values in `search.fixed` that none can have.
void refuse_impossible(const Spaces& spaces, const SearchReports& all) {
  std::vector<scenarios::Diagnostic> bad;
  for (std::size_t i = 0; i < spaces.size(); ++i) {
    if (i >= all.counts.size() || all.counts[i].result.counts.candidates > 0) return;
    std::vector<scenarios::Diagnostic> here = studies::impossible_fixed(spaces[i]->scenario);
    const auto there = [&](const scenarios::Diagnostic& each) {
      return std::any_of(here.begin(), here.end(),
                         [&](const auto& other) { return other.path == each.path; });
    };
    if (i == 0) bad = here;
    std::erase_if(bad, [&](const auto& each) { return !there(each); });
  }
  if (!bad.empty()) {
    throw scenarios::ScenarioError(scenarios::ErrorKind::invalid_input, std::move(bad));
  }
}

void report_best(const SearchOptions& options, Spaces& spaces, SearchReports& all) {
  for (std::size_t i = 0; i < all.counts.size(); ++i) {
    CountReports& count = all.counts[i];
    count.best.resize(count.result.best.size());
    studies::parallel_for(count.best.size(), studies::thread_count(options.threads),
                          [&](std::size_t, std::size_t b) {
                            count.best[b] = report_of(*spaces[i], count.result.best[b]);
                          });
  }
}

}  // namespace

std::vector<scenarios::Scenario> read_search_scenarios(const SearchOptions& options) {
  scenarios::ReadOptions read;
  read.set = options.set;
  read.allow_plugins = options.allow_plugins;
  read.check_strategy = false;
  return scenarios::read_search_scenarios(options.scenario, read);
}

Spaces search_spaces(const std::vector<scenarios::Scenario>& scenarios) {
  Spaces out;
  for (const scenarios::Scenario& scenario : scenarios) {
    out.push_back(std::make_unique<SearchedSpace>(scenario));
  }
  return out;
}

int run_search(const SearchOptions& options, Spaces& spaces, const MakeTeam& make_team) {
  Watch watch({options.time_limit_s, {}, true});
  check_outputs({{"--journal", options.journal}, {"--best", options.best}},
                spaces.front()->space.base().files);
  check_front(options, spaces.size() > 1);
  const auto journal = open_journal(options, spaces);
  warn_of_extended(spaces);
  SearchReports all;
  all.axes = axes_of(options, spaces.size() > 1);
  if (all.axes.cost) studies::require_same_tokens(spaces.front()->space, "cost");
  search_counts(options, spaces, make_team, {watch, journal.get()}, all);
  refuse_impossible(spaces, all);
  watch.activity("reporting");
  report_best(options, spaces, all);
  const studies::SearchResult result = put_together(options, spaces, all);
  if (options.explain) all.advice = advice_of(*spaces[winner(spaces, all)], all);
  watch.stop();
  const int code = finish(options, result, all);
  if (watch.early_end() == 0) return code;
  if (result.complete) return watch.early_end();  // while reporting; what is printed is whole
  complain(options.journal.empty()
               ? "the search is not complete; with --journal FILE it could go on from here"
               : "the search is not complete; go on with --resume");
  return watch.early_end();
}

int execute(const SearchOptions& options) {
  limit_memory(options.max_memory);
  Spaces spaces = search_spaces(read_search_scenarios(options));
  return run_search(options, spaces, [&](std::size_t, SearchedSpace& searched, const auto& stop) {
    return std::make_unique<studies::ThreadTeam>(searched.space, searched.cache, options.threads,
                                                 stop);
  });
}

}  // namespace apps
