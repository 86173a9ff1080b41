// Messages between ranks without blocking calls: every wait is a poll with a pause, so that ranks
// that share cores do not take them from each other, and a lost rank is no dead end.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

namespace apps::mpi {

class MpiError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// MPI from construction to destruction, for one thread. Works without mpirun, as a single rank.
class Session {
 public:
  Session(int* argc, char*** argv);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  // Cores that this rank may keep busy: its own where mpirun has bound it, else its share of the
  // node's.
  unsigned cores() const { return cores_; }
  // Somebody is missing: at the end, leave without MPI's farewell, which would wait for them.
  void leave_without_waiting() { orderly_ = false; }

 private:
  int rank_ = 0;
  int size_ = 1;
  unsigned cores_ = 1;
  bool orderly_ = true;
};

enum class Tag : std::uint8_t { hello = 1, job, answer, end };

struct Message {
  int source = 0;
  Tag tag = Tag::end;
  std::string bytes;
};

class Mailbox {
 public:
  // Takes a copy; the message leaves while others are sent or received.
  void send(int rank, Tag tag, std::string bytes);
  // The next message, if one is there.
  std::optional<Message> receive();
  // Until everything sent is gone, or the seconds are over.
  void flush(double seconds);

 private:
  struct Outgoing;
  void sweep();
  std::list<std::shared_ptr<Outgoing>> outgoing_;
};

// A short sleep between polls.
void pause_between_polls();
// Seconds of a steady clock.
double steady_seconds();

}  // namespace apps::mpi
