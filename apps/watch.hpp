// A thread beside the work: ends the program on SIGINT, SIGTERM, SIGHUP and at the time limit, and
// says on stderr that a long run is alive.
//
// Ending is _exit(): every output file is either complete or absent (reports/file.hpp), so there is
// nothing to undo. What a caller has so far it prints in `on_early_end`. A caller that works in
// small pieces asks to be told instead (`polite`): it looks at early_end() between them, and ends
// by itself; the second signal ends the program at once.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace apps {

class Watch {
 public:
  struct Options {
    double time_limit_s = 0.0;           // 0 = none
    std::function<void()> on_early_end;  // runs on the watching thread, before the program ends
    bool polite = false;
  };
  explicit Watch(Options options);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // What is going on, for the progress line; empty when nothing takes long.
  void activity(std::string what);

  // The exit code with which the work should end now; 0 = it may go on.
  int early_end() const { return early_end_; }

  // From here on nothing ends the program early: the result is about to be printed.
  void stop();

 private:
  void loop();
  void on_signal();
  void on_tick();
  void end(int code, const std::string& why);
  void clear_line() const;

  Options options_;
  int signals_ = -1;  // signalfd
  int stop_ = -1;     // eventfd
  double started_ = 0.0;
  double last_line_ = 0.0;
  bool line_shown_ = false;
  std::atomic<int> early_end_ = 0;
  std::mutex mutex_;
  std::string activity_;
  std::thread thread_;
};

}  // namespace apps
