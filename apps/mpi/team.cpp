#include "apps/mpi/team.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

namespace apps::mpi {
namespace {

constexpr double kGreetingDeadline = 60.0;
constexpr double kFlushDeadline = 10.0;
// Between two looks for messages while our own threads work: looking takes a core from them.
constexpr std::chrono::microseconds kPause{400};

// Number, failed or not, bytes.
std::string packed(const Crew::Item& item) {
  std::string out(sizeof item.number + 1, '\0');
  std::memcpy(out.data(), &item.number, sizeof item.number);
  out.back() = item.failed ? '\1' : '\0';
  return out + item.bytes;
}

Crew::Item unpacked(const std::string& bytes) {
  Crew::Item item;
  if (bytes.size() <= sizeof item.number) throw MpiError("a message is cut short");
  std::memcpy(&item.number, bytes.data(), sizeof item.number);
  item.failed = bytes[sizeof item.number] != '\0';
  item.bytes = bytes.substr(sizeof item.number + 1);
  return item;
}

}  // namespace

Crew::Crew(unsigned threads, Work work) : work_(std::move(work)) {
  for (unsigned t = 0; t < std::max(1U, threads); ++t)
    threads_.emplace_back([this, t] { loop(t); });
}

Crew::~Crew() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    to_do_.clear();
  }
  to_do_changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Crew::add(Item item) {
  {
    const std::lock_guard lock(mutex_);
    to_do_.push_back(std::move(item));
  }
  to_do_changed_.notify_one();
}

std::vector<Crew::Item> Crew::take_done() {
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

void Crew::wait() {
  std::unique_lock lock(mutex_);
  done_changed_.wait_for(lock, kPause, [this] { return !done_.empty(); });
}

void Crew::loop(unsigned thread) {
  while (true) {
    Item item;
    {
      std::unique_lock lock(mutex_);
      to_do_changed_.wait(lock, [this] { return over_ || !to_do_.empty(); });
      if (over_) return;
      item = std::move(to_do_.front());
      to_do_.pop_front();
    }
    try {
      item.bytes = work_(thread, item.bytes);
    } catch (const std::exception& error) {
      item.failed = true;
      item.bytes = error.what();
    }
    {
      const std::lock_guard lock(mutex_);
      done_.push_back(std::move(item));
    }
    done_changed_.notify_one();
  }
}

Leader::Leader(Session& session, unsigned threads, Work work)
    : session_(session),
      crew_(threads, std::move(work)),
      room_(static_cast<std::size_t>(session.size()), 0) {}

void Leader::greet(const std::string& word) {
  const double until = steady_seconds() + kGreetingDeadline;
  for (int seen = 1; seen < session_.size();) {
    if (steady_seconds() > until) {
      session_.leave_without_waiting();
      throw MpiError(fmt::format("only {} of {} ranks have started", seen, session_.size()));
    }
    const auto message = mail_.receive();
    if (!message || message->tag != Tag::hello) {
      pause_between_polls();
      continue;
    }
    const Crew::Item hello = unpacked(message->bytes);
    if (hello.failed) throw MpiError(fmt::format("rank {}: {}", message->source, hello.bytes));
    if (hello.bytes != word) {
      throw MpiError(fmt::format("rank {} has another scenario or another version of stepcast",
                                 message->source));
    }
    // One job beyond its threads, so that none waits for the next.
    room_[static_cast<std::size_t>(message->source)] = static_cast<unsigned>(hello.number) + 1;
    ++seen;
  }
}

std::vector<std::string> Leader::run(Jobs jobs) {
  first_ += jobs_.bytes.size();
  jobs_ = std::move(jobs);
  const std::size_t count = jobs_.bytes.size();
  answers_.assign(count, "");
  answered_.assign(count, false);
  dealt_.assign(count, false);
  waiting_.clear();
  for (const std::uint64_t want : jobs_.wants) ++waiting_[want];
  next_ = 0;
  open_ = left_ = count;
  while (open_ > 0) {
    deal();
    collect();
    if (left_ == 0) take_back();
    if (open_ > 0) crew_.wait();
  }
  return std::move(answers_);
}

void Leader::deal() {
  for (int rank = 1; rank < session_.size(); ++rank) {
    auto& room = room_[static_cast<std::size_t>(rank)];
    // Spread what is there: nobody takes a second job while another has none.
    const std::size_t fair = left_ / static_cast<std::size_t>(session_.size() - rank + 1) + 1;
    for (std::size_t given = 0; room > 0 && given < fair; ++given) {
      const std::optional<std::size_t> job = choose(rank);
      if (!job) break;
      mail_.send(rank, Tag::job, packed({first_ + *job, jobs_.bytes[*job], false}));
      outside_.push_back({first_ + *job, rank, steady_seconds()});
      --room;
    }
  }
  while (inside_ <= crew_.threads()) {
    const std::optional<std::size_t> job = choose(0);
    if (!job) break;
    crew_.add({first_ + *job, jobs_.bytes[*job], false});
    ++inside_;
  }
}

bool Leader::may_take(int rank, std::size_t job) const {
  const std::uint64_t want = jobs_.wants[job];
  if (want == kNothing) return true;
  const auto owners = owners_.find(want);
  if (owners == owners_.end() || owners->second.empty()) return true;
  if (owners->second.contains(rank)) return true;
  return waiting_.at(want) > jobs_.worth * owners->second.size();
}

std::optional<std::size_t> Leader::choose(int rank) {
  while (next_ < dealt_.size() && dealt_[next_]) ++next_;
  for (std::size_t job = next_; job < dealt_.size(); ++job) {
    if (dealt_[job] || !may_take(rank, job)) continue;
    const std::uint64_t want = jobs_.wants[job];
    dealt_[job] = true;
    --left_;
    --waiting_.at(want);
    if (want != kNothing) owners_[want].insert(rank);
    return job;
  }
  return std::nullopt;
}

void Leader::collect() {
  for (const Crew::Item& item : crew_.take_done()) {
    --inside_;
    accept(item);
  }
  while (const auto message = mail_.receive()) {
    if (message->tag != Tag::answer) continue;
    const Crew::Item item = unpacked(message->bytes);
    const auto mine = std::find_if(outside_.begin(), outside_.end(),
                                   [&](const Outside& job) { return job.number == item.number; });
    if (mine == outside_.end()) continue;  // taken back; it is late
    ++room_[static_cast<std::size_t>(mine->rank)];
    outside_.erase(mine);
    accept(item);
  }
}

// What a rank has had for too long is done here, and it is given no more.
void Leader::take_back() {
  const double now = steady_seconds();
  for (auto job = outside_.begin(); job != outside_.end();) {
    if (now - job->since < kAnswerDeadline) {
      ++job;
      continue;
    }
    room_[static_cast<std::size_t>(job->rank)] = 0;
    for (auto& [want, owners] : owners_) owners.erase(job->rank);
    session_.leave_without_waiting();
    crew_.add({job->number, jobs_.bytes[job->number - first_], false});
    ++inside_;
    job = outside_.erase(job);
  }
}

void Leader::accept(const Crew::Item& answer) {
  if (answer.failed) throw MpiError(answer.bytes);
  const std::size_t place = answer.number - first_;
  if (answer.number < first_ || place >= answers_.size() || answered_[place]) return;
  answered_[place] = true;
  answers_[place] = answer.bytes;
  --open_;
}

void serve(const std::string& word, unsigned threads, Work work) {
  Crew crew(threads, std::move(work));
  Mailbox mail;
  mail.send(0, Tag::hello, packed({crew.threads(), word, false}));
  while (true) {
    for (const Crew::Item& item : crew.take_done()) mail.send(0, Tag::answer, packed(item));
    const auto message = mail.receive();
    if (message && message->tag == Tag::end) break;
    if (message && message->tag == Tag::job) crew.add(unpacked(message->bytes));
    if (!message) crew.wait();
  }
  mail.flush(kFlushDeadline);
}

void stand_by(const std::string& refusal) {
  Mailbox mail;
  if (!refusal.empty()) mail.send(0, Tag::hello, packed({0, refusal, true}));
  while (true) {
    const auto message = mail.receive();
    if (message && message->tag == Tag::end) break;
    if (!message) pause_between_polls();
  }
  mail.flush(kFlushDeadline);
}

void end_all(const Session& session) {
  Mailbox mail;
  for (int rank = 1; rank < session.size(); ++rank) mail.send(rank, Tag::end, "");
  mail.flush(kFlushDeadline);
}

}  // namespace apps::mpi
