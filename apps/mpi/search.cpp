#include "apps/mpi/search.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "apps/mpi/team.hpp"
#include "apps/search_run.hpp"
#include "apps/simulation.hpp"
#include "scenarios/reader.hpp"
#include "studies/search_journal.hpp"
#include "studies/search_team.hpp"

namespace apps::mpi {
namespace {

// Ranks run the same program: plain memory is its own format.
template <class T>
std::string bytes_of(std::span<const T> values) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::string out(values.size_bytes(), '\0');
  if (!out.empty()) std::memcpy(out.data(), values.data(), out.size());
  return out;
}
template <class T>
std::vector<T> values_of(std::string_view bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (bytes.size() % sizeof(T) != 0) throw MpiError("a message has the wrong size");
  std::vector<T> out(bytes.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

// A job is its kind, the number of the space, and places of cores, items or tasks.
enum class Job : char { bound = 'b', sharpen = 's', evaluate = 'e' };
constexpr std::size_t kCoresOfJob = 512;
// Few and large enough that sending them takes little, and many enough that all have some.
constexpr std::size_t kItemsOfJob = 32;
// Laying out a fleet again takes as long as so many jobs that need it.
constexpr std::size_t kSharpenJobsOfFleet = 100;
constexpr std::size_t kEvaluationsOfFleet = 8;

std::string bound(studies::SearchWork& work, unsigned thread, std::string_view job) {
  std::vector<studies::CoreBound> out;
  for (const std::uint32_t first : values_of<std::uint32_t>(job)) {
    const std::size_t end = std::min(work.cores().list.size(), first + kCoresOfJob);
    for (std::uint32_t c = first; c < end; ++c) out.push_back(work.bound(thread, c));
  }
  return bytes_of(std::span<const studies::CoreBound>(out));
}

// What becomes of each item, behind how many these are.
std::string sharpen(studies::SearchWork& work, unsigned thread, std::string_view job) {
  std::string out;
  for (const studies::Item& item : values_of<studies::Item>(job)) {
    const auto sharper = work.sharpened(thread, item);
    const auto count = static_cast<std::uint32_t>(sharper.size());
    out += bytes_of(std::span<const std::uint32_t>(&count, 1));
    out += bytes_of(std::span<const studies::Item>(sharper));
  }
  return out;
}

std::vector<std::vector<studies::Item>> sharpened(std::string_view answer) {
  std::vector<std::vector<studies::Item>> out;
  while (!answer.empty()) {
    std::uint32_t count = 0;
    if (answer.size() < sizeof count) throw MpiError("a message has the wrong size");
    std::memcpy(&count, answer.data(), sizeof count);
    answer.remove_prefix(sizeof count);
    const std::size_t bytes = count * sizeof(studies::Item);
    if (answer.size() < bytes) throw MpiError("a message has the wrong size");
    out.push_back(values_of<studies::Item>(answer.substr(0, bytes)));
    answer.remove_prefix(bytes);
  }
  return out;
}

std::string evaluate(studies::SearchWork& work, unsigned thread, std::string_view job) {
  std::vector<studies::Evaluation> out;
  for (const auto& task : values_of<studies::EvaluationTask>(job)) {
    out.push_back(work.evaluate(thread, task));
  }
  return bytes_of(std::span<const studies::Evaluation>(out));
}

// What this process can do on each space: one at a time, made when its first job comes.
class SpaceWorks {
 public:
  SpaceWorks(std::vector<std::unique_ptr<SearchedSpace>>& spaces, unsigned threads)
      : spaces_(spaces), threads_(threads) {}

  std::shared_ptr<studies::SearchWork> of(std::size_t number) {
    const std::lock_guard lock(mutex_);
    if (number >= spaces_.size()) throw MpiError("a message has no meaning");
    if (!work_ || number_ != number) {
      SearchedSpace& searched = *spaces_[number];
      work_ = std::make_shared<studies::SearchWork>(searched.space, searched.cache, threads_);
      number_ = number;
    }
    return work_;
  }

  // What all ranks have to agree on.
  std::string identity() const {
    std::string out;
    for (const auto& each : spaces_) out += studies::identity(each->space);
    return out;
  }

 private:
  std::vector<std::unique_ptr<SearchedSpace>>& spaces_;
  unsigned threads_;
  std::mutex mutex_;
  std::size_t number_ = 0;
  std::shared_ptr<studies::SearchWork> work_;
};

Work work_of(SpaceWorks& works) {
  return [&](unsigned thread, const std::string& job) {
    std::uint32_t number = 0;
    if (job.size() < 1 + sizeof number) throw MpiError("a message has the wrong size");
    std::memcpy(&number, job.data() + 1, sizeof number);
    const auto work = works.of(number);
    const std::string_view rest = std::string_view(job).substr(1 + sizeof number);
    switch (static_cast<Job>(job.front())) {
      case Job::bound:
        return bound(*work, thread, rest);
      case Job::sharpen:
        return sharpen(*work, thread, rest);
      case Job::evaluate:
        return evaluate(*work, thread, rest);
    }
    throw MpiError("a message has no meaning");
  };
}

class RankTeam final : public studies::SearchTeam {
 public:
  RankTeam(Leader& leader, std::size_t number, std::shared_ptr<studies::SearchWork> work)
      : leader_(leader), number_(static_cast<std::uint32_t>(number)), work_(std::move(work)) {}

  studies::SearchWork& own() override { return *work_; }

  std::vector<studies::CoreBound> bound_cores(std::size_t begin, std::size_t end) override {
    std::vector<std::uint32_t> firsts;
    for (std::size_t c = begin; c < end; c += kCoresOfJob) {
      firsts.push_back(static_cast<std::uint32_t>(c));
    }
    return run<studies::CoreBound>(Job::bound, std::span<const std::uint32_t>(firsts));
  }

  // Jobs of items that need the same fleet, or none.
  std::vector<studies::Item> sharpen(std::span<const studies::Item> items) override {
    std::map<std::uint64_t, std::vector<std::size_t>> by_placement;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const bool links = items[i].level == studies::Level::variant;
      by_placement[links ? work_->placement(items[i].id) : Leader::kNothing].push_back(i);
    }
    Leader::Jobs jobs;
    jobs.worth = kSharpenJobsOfFleet;
    std::vector<std::size_t> places;  // of the items in the order of the jobs
    for (const auto& [placement, members] : by_placement) {
      for (std::size_t m = 0; m < members.size(); m += kItemsOfJob) {
        std::vector<studies::Item> some;
        for (std::size_t i = m; i < std::min(members.size(), m + kItemsOfJob); ++i) {
          some.push_back(items[members[i]]);
          places.push_back(members[i]);
        }
        add<studies::Item>(jobs, Job::sharpen, some, placement);
      }
    }
    std::vector<std::vector<studies::Item>> sharper(items.size());
    std::size_t next = 0;
    for (const std::string& answer : leader_.run(std::move(jobs))) {
      for (auto& list : sharpened(answer)) sharper[places.at(next++)] = std::move(list);
    }
    std::vector<studies::Item> out;
    for (const auto& list : sharper) out.insert(out.end(), list.begin(), list.end());
    return out;
  }

  // Here: as a rule known from what was evaluated, by whomever.
  std::vector<char> needless(std::span<const studies::Candidate> candidates) override {
    std::vector<char> out;
    for (const studies::Candidate id : candidates) {
      out.push_back(work_->offloads_needlessly(0, id) ? 1 : 0);
    }
    return out;
  }

  std::vector<studies::Evaluation> evaluate(
      std::span<const studies::EvaluationTask> tasks) override {
    Leader::Jobs jobs;
    jobs.worth = kEvaluationsOfFleet;
    for (const auto& task : tasks) {
      add(jobs, Job::evaluate, std::span(&task, 1), work_->placement(task.strategy.id));
    }
    std::vector<studies::Evaluation> out = answers<studies::Evaluation>(std::move(jobs));
    for (std::size_t t = 0; t < out.size(); ++t) work_->keep_fit(tasks[t].strategy, out[t].fits);
    return out;
  }

 private:
  template <class Input>
  void add(Leader::Jobs& jobs, Job job, std::span<const Input> inputs, std::uint64_t wants) const {
    jobs.bytes.push_back(static_cast<char>(job) +
                         bytes_of(std::span<const std::uint32_t>(&number_, 1)) + bytes_of(inputs));
    jobs.wants.push_back(wants);
  }

  // The answers one after the other.
  template <class Answer>
  std::vector<Answer> answers(Leader::Jobs jobs) {
    std::vector<Answer> out;
    for (const std::string& answer : leader_.run(std::move(jobs))) {
      const auto values = values_of<Answer>(answer);
      out.insert(out.end(), values.begin(), values.end());
    }
    return out;
  }

  // A job for each input, for anyone.
  template <class Answer, class Input>
  std::vector<Answer> run(Job job, std::span<const Input> inputs) {
    Leader::Jobs jobs;
    for (const Input& input : inputs) add(jobs, job, std::span(&input, 1), Leader::kNothing);
    return answers<Answer>(std::move(jobs));
  }

  Leader& leader_;
  std::uint32_t number_;
  std::shared_ptr<studies::SearchWork> work_;
};

unsigned threads_of(const Session& session, const SearchOptions& options) {
  return options.threads > 0 ? options.threads : session.cores();
}

}  // namespace

int lead_search(Session& session, const SearchOptions& options) {
  limit_memory(options.max_memory);
  SearchOptions mine = options;
  mine.threads = threads_of(session, options);
  auto spaces = search_spaces(read_search_scenarios(options));
  SpaceWorks works(spaces, mine.threads);
  works.of(0);
  Leader leader(session, mine.threads, work_of(works));
  leader.greet(works.identity());
  return run_search(mine, spaces, [&](std::size_t number, SearchedSpace&, const auto&) {
    return std::make_unique<RankTeam>(leader, number, works.of(number));
  });
}

void serve_search(Session& session, const SearchOptions& options) {
  std::string refusal;
  try {
    limit_memory(options.max_memory);
    auto spaces = search_spaces(read_search_scenarios(options));
    const unsigned threads = threads_of(session, options);
    SpaceWorks works(spaces, threads);
    works.of(0);  // while rank 0 makes its own
    serve(works.identity(), threads, work_of(works));
    return;
  } catch (const scenarios::ScenarioError& error) {
    refusal = error.diagnostics().front().to_string();
  }
  stand_by(refusal);
}

}  // namespace apps::mpi
