// Threads that stay, for loops whose turns do not depend on each other.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace studies {

unsigned thread_count(unsigned wanted);  // 0 = all cores

class Workers {
 public:
  // One of them is whoever calls each(). Throws std::system_error where there can be no more.
  explicit Workers(unsigned threads);
  ~Workers();

  unsigned threads() const { return static_cast<unsigned>(pool_.size()) + 1; }

  using Work = std::function<void(std::size_t thread, std::size_t index)>;
  // Runs work(thread, index) for every index below `count`; indices are dealt as threads get free.
  // After an exception no more turns begin; the first, by index, is thrown. Turns begin in order,
  // so it is the same one for any number of threads. Not from inside of work.
  void each(std::size_t count, const Work& work);

 private:
  void loop(std::size_t thread);
  void end();
  void run(std::size_t thread);

  std::mutex mutex_;
  std::condition_variable begin_, all_done_;
  std::uint64_t loops_ = 0;  // begun so far
  std::size_t busy_ = 0;     // of the pool
  bool over_ = false;
  const Work* work_ = nullptr;
  std::atomic<std::size_t> next_{0};
  std::vector<std::exception_ptr> errors_;  // by index
  std::vector<std::jthread> pool_;
};

// The same once.
void parallel_for(std::size_t count, unsigned threads, const Workers::Work& work);

}  // namespace studies
