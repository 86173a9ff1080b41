// Jobs dealt to ranks. Rank 0 leads, works itself, and deals jobs one by one to whoever has a
// thread free; the others serve. Jobs and answers are bytes; answers come back by the number of the
// job, so that nothing depends on who worked on what.
//
// Open MPI as a rule ends all ranks when one dies. Where it does not (--enable-recovery), or a rank
// hangs, its jobs are done by rank 0 after kAnswerDeadline.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "apps/mpi/transport.hpp"

namespace apps::mpi {

inline constexpr double kAnswerDeadline = 120.0;  // seconds

// The answer to a job; called by several threads at once, each with a number of its own from 0.
using Work = std::function<std::string(unsigned thread, const std::string& job)>;

// Threads that work on jobs.
class Crew {
 public:
  Crew(unsigned threads, Work work);
  ~Crew();

  struct Item {
    std::uint64_t number = 0;
    std::string bytes;  // the job, then the answer
    bool failed = false;
  };
  void add(Item item);
  std::vector<Item> take_done();
  // Returns when something is done, or after a short pause.
  void wait();
  unsigned threads() const { return static_cast<unsigned>(threads_.size()); }

 private:
  void loop(unsigned thread);

  Work work_;
  std::mutex mutex_;
  std::condition_variable to_do_changed_, done_changed_;
  std::deque<Item> to_do_;
  std::vector<Item> done_;
  bool over_ = false;
  std::vector<std::thread> threads_;
};

// Rank 0's side.
class Leader {
 public:
  Leader(Session& session, unsigned threads, Work work);

  // Waits for the first word of every rank and checks that it is the same as ours; throws MpiError
  // that names the rank.
  void greet(const std::string& word);

  static constexpr std::uint64_t kNothing = 0;
  struct Jobs {
    std::vector<std::string> bytes;
    // What each needs that takes long to make, which a rank then keeps; kNothing = nothing. Goes to
    // who has it, or will be the first to.
    std::vector<std::uint64_t> wants;
    std::size_t worth = 0;  // so many jobs that wait are worth making it once more
  };
  // The answers, in the order of the jobs.
  std::vector<std::string> run(Jobs jobs);

 private:
  struct Outside {  // a job that another rank has
    std::uint64_t number = 0;
    int rank = 0;
    double since = 0.0;
  };
  void deal();
  // The next job for a rank, or nothing. From then on it has what the job wants.
  std::optional<std::size_t> choose(int rank);
  bool may_take(int rank, std::size_t job) const;
  void collect();
  void take_back();
  void accept(const Crew::Item& answer);

  Session& session_;
  Crew crew_;
  Mailbox mail_;
  std::vector<unsigned> room_;  // per rank: jobs it can take
  Jobs jobs_;
  std::vector<std::string> answers_;
  std::vector<bool> answered_, dealt_;
  std::map<std::uint64_t, std::set<int>> owners_;  // who has what jobs want
  std::map<std::uint64_t, std::size_t> waiting_;   // jobs that are not dealt, by their want
  std::uint64_t first_ = 0;  // number of jobs_[0]; numbers are never used again
  std::size_t next_ = 0;     // all before it are dealt
  std::size_t left_ = 0;     // to be dealt
  std::size_t open_ = 0;     // not answered yet
  std::size_t inside_ = 0;   // jobs our own threads have
  std::vector<Outside> outside_;
};

// The other ranks' side, until rank 0 ends it.
void serve(const std::string& word, unsigned threads, Work work);
// The same without work; a refusal says why there can be none.
void stand_by(const std::string& refusal = "");
// Ends the service of all other ranks.
void end_all(const Session& session);

}  // namespace apps::mpi
