#include "studies/workers.hpp"

#include <algorithm>

namespace studies {

unsigned thread_count(unsigned wanted) {
  return wanted > 0 ? wanted : std::max(1U, std::thread::hardware_concurrency());
}

Workers::Workers(unsigned threads) {
  try {
    for (std::size_t t = 1; t < threads; ++t) pool_.emplace_back([this, t] { loop(t); });
  } catch (...) {  // those that have begun would wait for ever
    end();
    throw;
  }
}

Workers::~Workers() { end(); }

void Workers::end() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  begin_.notify_all();
}

void Workers::each(std::size_t count, const Work& work) {
  work_ = &work;
  next_ = 0;
  errors_.assign(count, nullptr);
  const bool alone = pool_.empty() || count < 2;
  if (!alone) {
    const std::lock_guard lock(mutex_);
    busy_ = pool_.size();
    ++loops_;
  }
  if (!alone) begin_.notify_all();
  run(0);
  if (!alone) {
    std::unique_lock lock(mutex_);
    all_done_.wait(lock, [this] { return busy_ == 0; });
  }
  for (const std::exception_ptr& error : errors_) {
    if (error) std::rethrow_exception(error);
  }
}

void Workers::loop(std::size_t thread) {
  std::uint64_t seen = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    begin_.wait(lock, [&] { return over_ || loops_ != seen; });
    if (over_) return;
    seen = loops_;
    lock.unlock();
    run(thread);
    lock.lock();
    if (--busy_ == 0) all_done_.notify_one();
  }
}

void Workers::run(std::size_t thread) {
  for (std::size_t i = next_++; i < errors_.size(); i = next_++) {
    try {
      (*work_)(thread, i);
    } catch (...) {
      errors_[i] = std::current_exception();
      next_ = errors_.size();  // what it left half done is not for the turns that would come next
    }
  }
}

void parallel_for(std::size_t count, unsigned threads, const Workers::Work& work) {
  Workers(static_cast<unsigned>(std::min<std::size_t>(threads, count))).each(count, work);
}

}  // namespace studies
