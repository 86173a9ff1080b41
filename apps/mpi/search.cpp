#include "apps/mpi/search.hpp"

#include <cstring>

#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "apps/mpi/team.hpp"
#include "apps/search_run.hpp"
#include "apps/simulation.hpp"
#include "scenarios/reader.hpp"
#include "studies/search_evaluate.hpp"
#include "studies/search_journal.hpp"

namespace apps::mpi {
namespace {

// Ranks run the same program: plain memory is its own format.
template <class T>
std::string bytes_of(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::string out(sizeof value, '\0');
  std::memcpy(out.data(), &value, sizeof value);
  return out;
}
template <class T>
T value_of(const std::string& bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (bytes.size() != sizeof(T)) throw MpiError("a message has the wrong size");
  T out;
  std::memcpy(&out, bytes.data(), sizeof out);
  return out;
}

Work evaluation(const studies::SearchSpace& space, scenarios::PredictionCache& cache) {
  return [&](unsigned, const std::string& job) {
    return bytes_of(studies::evaluate(space, value_of<studies::CandidateStrategy>(job), cache));
  };
}

class RankEvaluator final : public studies::Evaluator {
 public:
  explicit RankEvaluator(Leader& leader) : leader_(leader) {}

  std::vector<studies::Evaluation> evaluate(
      std::span<const studies::CandidateStrategy> candidates) override {
    std::vector<std::string> jobs;
    for (const auto& candidate : candidates) jobs.push_back(bytes_of(candidate));
    std::vector<studies::Evaluation> out;
    for (const std::string& answer : leader_.run(std::move(jobs))) {
      out.push_back(value_of<studies::Evaluation>(answer));
    }
    return out;
  }

 private:
  Leader& leader_;
};

unsigned threads_of(const Session& session, const SearchOptions& options) {
  return options.threads > 0 ? options.threads : session.cores();
}

}  // namespace

int lead_search(Session& session, const SearchOptions& options) {
  limit_memory(options.max_memory);
  SearchOptions mine = options;
  mine.threads = threads_of(session, options);
  const scenarios::Scenario scenario = read_search_scenario(options);
  const studies::SearchSpace space(scenario);
  scenarios::PredictionCache cache(space.base());
  Leader leader(session, mine.threads, evaluation(space, cache));
  leader.greet(studies::identity(space));
  RankEvaluator evaluator(leader);
  return run_search(mine, space, cache, evaluator);
}

void serve_search(Session& session, const SearchOptions& options) {
  std::string refusal;
  try {
    limit_memory(options.max_memory);
    const scenarios::Scenario scenario = read_search_scenario(options);
    const studies::SearchSpace space(scenario);
    scenarios::PredictionCache cache(space.base());
    serve(studies::identity(space), threads_of(session, options), evaluation(space, cache));
    return;
  } catch (const scenarios::ScenarioError& error) {
    refusal = error.diagnostics().front().to_string();
  }
  stand_by(refusal);
}

}  // namespace apps::mpi
