#include "apps/watch.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "apps/commands.hpp"
#include "apps/console.hpp"

namespace apps {
namespace {

constexpr int kTickMs = 100;
constexpr double kQuietSeconds = 1.0;       // shorter runs say nothing
constexpr double kPlainLineSeconds = 10.0;  // without a terminal: one line every so often

double now() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

}  // namespace

Watch::Watch(Options options) : options_(std::move(options)), started_(now()) {
  last_line_ = started_;
  signal(SIGPIPE, SIG_DFL);  // a closed pipe ends the program quietly, whoever started it
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction present {};
    sigaction(number, nullptr, &present);
    // What the caller has us ignore (nohup) stays ignored.
    if (present.sa_handler != SIG_IGN) sigaddset(&set, number);
  }
  pthread_sigmask(SIG_BLOCK, &set, nullptr);  // threads started later inherit it
  signals_ = signalfd(-1, &set, SFD_CLOEXEC);
  stop_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { loop(); });
}

void Watch::stop() {
  const std::uint64_t one = 1;
  if (!thread_.joinable() || write(stop_, &one, sizeof one) != sizeof one) return;
  thread_.join();
  clear_line();
}

Watch::~Watch() {
  stop();
  close(signals_);
  close(stop_);
}

void Watch::activity(std::string what) {
  const std::lock_guard lock(mutex_);
  activity_ = std::move(what);
}

void Watch::loop() {
  pollfd waiting[2] = {{signals_, POLLIN, 0}, {stop_, POLLIN, 0}};
  while (true) {
    const int ready = poll(waiting, 2, kTickMs);
    if (ready > 0 && waiting[1].revents != 0) return;
    if (ready > 0 && waiting[0].revents != 0) on_signal();
    on_tick();
  }
}

void Watch::on_signal() {
  signalfd_siginfo info{};
  if (read(signals_, &info, sizeof info) != sizeof info) return;
  const bool again = early_end_ != 0;
  if (again) _exit(early_end_);
  end(128 + static_cast<int>(info.ssi_signo), "interrupted");
}

void Watch::end(int code, const std::string& why) {
  clear_line();
  complain(why);
  early_end_ = code;
  if (options_.polite) return;
  if (options_.on_early_end) options_.on_early_end();
  _exit(code);
}

void Watch::on_tick() {
  if (early_end_ != 0) return;
  const double elapsed = now() - started_;
  if (options_.time_limit_s > 0.0 && elapsed > options_.time_limit_s) {
    end(kPartial, fmt::format("the time limit of {} s is over; what is printed is partial",
                              options_.time_limit_s));
    return;
  }
  const std::lock_guard lock(mutex_);
  if (elapsed < kQuietSeconds || activity_.empty()) return;
  if (stderr_is_terminal()) {
    fmt::print(stderr, "\r\033[K{} … {:.0f} s", activity_, elapsed);
    std::fflush(stderr);
    line_shown_ = true;
  } else if (now() - last_line_ >= kPlainLineSeconds) {
    last_line_ = now();
    complain(fmt::format("{} … {:.0f} s", activity_, elapsed));
  }
}

void Watch::clear_line() const {
  if (line_shown_) std::fputs("\r\033[K", stderr);
}

}  // namespace apps
