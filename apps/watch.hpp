// A thread beside the work: ends the program on SIGINT, SIGTERM, SIGHUP and at the time limit, and
// says on stderr that a long run is alive.
//
// Ending is _exit(): every output file is either complete or absent (reports/file.hpp), so there is
// nothing to undo. What a caller wants to save at the time limit goes into `on_time_limit`.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace apps {

class Watch {
 public:
  struct Options {
    double time_limit_s = 0.0;            // 0 = none
    std::function<void()> on_time_limit;  // runs on the watching thread, then exit code 7
  };
  explicit Watch(Options options);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // What is going on, for the progress line; empty when nothing takes long.
  void activity(std::string what);

  // From here on nothing ends the program early: the result is about to be printed.
  void stop();

 private:
  void loop();
  void on_signal();
  void on_tick();
  void clear_line() const;

  Options options_;
  int signals_ = -1;  // signalfd
  int stop_ = -1;     // eventfd
  double started_ = 0.0;
  double last_line_ = 0.0;
  bool line_shown_ = false;
  std::mutex mutex_;
  std::string activity_;
  std::thread thread_;
};

}  // namespace apps
