#include "apps/mpi/transport.hpp"

#include <fmt/format.h>
#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <thread>

namespace apps::mpi {
namespace {

void check(int code, const char* doing) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw MpiError(fmt::format("MPI cannot {}: {}", doing, text));
}

// As many cores as this rank is bound to, shared with the ranks of the node where it is not bound.
unsigned usable_cores() {
  MPI_Comm node = MPI_COMM_NULL;
  int neighbours = 1;
  check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
        "group the ranks of a node");
  check(MPI_Comm_size(node, &neighbours), "count the ranks of a node");
  check(MPI_Comm_free(&node), "free a group");
  const unsigned all = std::max(1U, std::thread::hardware_concurrency());
  cpu_set_t set;
  CPU_ZERO(&set);
  unsigned mine = all;
  if (sched_getaffinity(0, sizeof set, &set) == 0) mine = static_cast<unsigned>(CPU_COUNT(&set));
  return mine < all ? std::max(1U, mine) : std::max(1U, all / static_cast<unsigned>(neighbours));
}

}  // namespace

Session::Session(int* argc, char*** argv) {
  int level = 0;
  check(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &level), "start");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  if (level < MPI_THREAD_FUNNELED) throw MpiError("this MPI does not allow threads");
  check(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "tell the rank");
  check(MPI_Comm_size(MPI_COMM_WORLD, &size_), "count the ranks");
  cores_ = usable_cores();
}

Session::~Session() {
  if (orderly_) MPI_Finalize();
}

struct Mailbox::Outgoing {
  std::string bytes;
  MPI_Request request = MPI_REQUEST_NULL;
};

void Mailbox::send(int rank, Tag tag, std::string bytes) {
  if (bytes.size() > INT_MAX) throw MpiError("a message is too large");
  sweep();
  auto message = std::make_shared<Outgoing>();
  message->bytes = std::move(bytes);
  check(MPI_Isend(message->bytes.data(), static_cast<int>(message->bytes.size()), MPI_BYTE, rank,
                  static_cast<int>(tag), MPI_COMM_WORLD, &message->request),
        "send");
  outgoing_.push_back(std::move(message));
}

std::optional<Message> Mailbox::receive() {
  sweep();
  int there = 0;
  MPI_Message handle = MPI_MESSAGE_NULL;
  MPI_Status status;
  check(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &there, &handle, &status),
        "look for messages");
  if (there == 0) return std::nullopt;
  int size = 0;
  check(MPI_Get_count(&status, MPI_BYTE, &size), "tell the size of a message");
  Message message{status.MPI_SOURCE, static_cast<Tag>(status.MPI_TAG),
                  std::string(static_cast<std::size_t>(size), '\0')};
  // Sends stay below any eager limit by orders of magnitude; what was probed is there.
  check(MPI_Mrecv(message.bytes.data(), size, MPI_BYTE, &handle, &status), "receive");
  return message;
}

void Mailbox::sweep() {
  outgoing_.remove_if([](const std::shared_ptr<Outgoing>& message) {
    int done = 0;
    check(MPI_Test(&message->request, &done, MPI_STATUS_IGNORE), "finish sending");
    return done != 0;
  });
}

void Mailbox::flush(double seconds) {
  const double until = steady_seconds() + seconds;
  for (sweep(); !outgoing_.empty() && steady_seconds() < until; sweep()) pause_between_polls();
}

void pause_between_polls() { std::this_thread::sleep_for(std::chrono::microseconds(100)); }

double steady_seconds() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

}  // namespace apps::mpi
