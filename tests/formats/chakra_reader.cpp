#include "tests/formats/chakra_reader.hpp"

#include <queue>
#include <set>
#include <stdexcept>
#include <tuple>

namespace chakra {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool done() const { return at_ == bytes_.size(); }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (done()) throw std::runtime_error("cut short");
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
    throw std::runtime_error("a number of more than 64 bits");
  }
  std::string_view text() {
    const std::uint64_t size = varint();
    if (size > bytes_.size() - at_) throw std::runtime_error("cut short");
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

// Calls `number(field, value)` or `text(field, bytes)` for each field.
template <class Number, class Text>
void fields(std::string_view bytes, Number number, Text text) {
  Reader in(bytes);
  while (!in.done()) {
    const std::uint64_t tag = in.varint();
    if ((tag & 7) == 0) {
      number(tag >> 3, in.varint());
    } else if ((tag & 7) == 2) {
      text(tag >> 3, in.text());
    } else {
      throw std::runtime_error("a wire type that is not used");
    }
  }
}

void read_attribute(std::string_view bytes, Node& node) {
  std::string name;
  fields(
      bytes,
      [&](std::uint64_t field, std::uint64_t value) {
        if (field != 7 && field != 9 && field != 13 && field != 27)
          throw std::runtime_error("an attribute of another type");
        node.numbers[name] = value;
      },
      [&](std::uint64_t field, std::string_view value) {
        (field == 1 ? name : node.texts[name]) = value;
      });
}

Node read_node(std::string_view bytes) {
  Node node;
  fields(
      bytes,
      [&](std::uint64_t field, std::uint64_t value) {
        std::uint64_t* const into = field == 1   ? &node.id
                                    : field == 3 ? &node.type
                                    : field == 7 ? &node.duration
                                                 : nullptr;
        if (into == nullptr) throw std::runtime_error("a field that is not used");
        *into = value;
      },
      [&](std::uint64_t field, std::string_view value) {
        if (field == 2) node.name = value;
        if (field == 10) read_attribute(value, node);
        if (field != 5) return;
        for (Reader list(value); !list.done();) node.before.push_back(list.varint());
      });
  return node;
}

constexpr std::uint64_t kCompute = 4, kSend = 5, kReceive = 6, kCollective = 7;

class Replay {
 public:
  Replay(const std::vector<Trace>& ranks, const Groups& groups, bool receives_take_turns)
      : groups_(groups), receives_take_turns_(receives_take_turns), ranks_(ranks.size()) {
    for (std::size_t r = 0; r < ranks.size(); ++r) {
      Rank& rank = ranks_[r];
      rank.trace = &ranks[r];
      for (const Node& node : rank.trace->nodes) {
        rank.waits[node.id] = node.before.size();
        for (const std::uint64_t before : node.before) rank.after[before].push_back(node.id);
        if (node.before.empty()) rank.free.insert(node.id);
      }
    }
  }

  std::string run() {
    for (std::size_t r = 0; r < ranks_.size(); ++r) issue(r);
    while (!events_.empty() && wrong_.empty()) {
      const auto [time, rank, id] = events_.top();
      events_.pop();
      now_ = time;
      end(rank, id);
    }
    if (!wrong_.empty()) return wrong_;
    for (std::size_t r = 0; r < ranks_.size(); ++r) {
      if (ranks_[r].ended < ranks_[r].trace->nodes.size())
        return "rank " + std::to_string(r) + " never ends";
    }
    return "";
  }

 private:
  struct Rank {
    const Trace* trace = nullptr;
    std::map<std::uint64_t, std::size_t> waits;
    std::map<std::uint64_t, std::vector<std::uint64_t>> after;
    std::set<std::uint64_t> free;
    std::set<std::uint64_t> busy;  // places taken
    std::map<std::string, std::size_t> issued;
    std::size_t ended = 0;
  };
  struct Meeting {
    std::vector<std::pair<std::size_t, std::uint64_t>> arrived;
    std::uint64_t type = 0, size = 0;
  };
  using Message = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;

  const Node& node(std::size_t rank, std::uint64_t id) const {
    return ranks_[rank].trace->nodes[id - 1];
  }

  // What an operation occupies; 0 = nothing.
  std::uint64_t place(const Node& node) const {
    if (node.number("is_cpu_op") != 0) return 1;
    if (node.type == kReceive && !receives_take_turns_) return 0;
    return node.type == kCompute ? 2 : 3;
  }

  void issue(std::size_t r) {
    const std::set<std::uint64_t> free = ranks_[r].free;
    for (const std::uint64_t id : free) {
      const std::uint64_t wanted = place(node(r, id));
      if (wanted != 0 && !ranks_[r].busy.insert(wanted).second) continue;
      ranks_[r].free.erase(id);
      start(r, id);
    }
  }

  void start(std::size_t r, std::uint64_t id) {
    const Node& n = node(r, id);
    if (n.type == kSend) {
      end_after(r, id, 5 + n.number("comm_size") / 50'000);
    } else if (n.type == kReceive) {
      const Message message{n.number("comm_src"), r, n.number("comm_tag")};
      receivers_[message] = id;
      if (arrived_.contains(message)) end_after(r, id, 0);
    } else if (n.type == kCollective) {
      meet(r, id, n);
    } else {
      end_after(r, id, n.duration);
    }
  }

  void meet(std::size_t r, std::uint64_t id, const Node& n) {
    const std::string& group = n.texts.at("pg_name");
    Meeting& meeting = meetings_[{group, ranks_[r].issued[group]++}];
    if (meeting.arrived.empty()) {
      meeting.type = n.number("comm_type");
      meeting.size = n.number("comm_size");
    }
    if (meeting.type != n.number("comm_type") || meeting.size != n.number("comm_size"))
      wrong_ = "different collectives meet in group " + group;
    meeting.arrived.emplace_back(r, id);
    if (meeting.arrived.size() < groups_.at(group).size()) return;
    for (const auto& [rank, at] : meeting.arrived) end_after(rank, at, 5 + meeting.size / 100'000);
  }

  void end_after(std::size_t r, std::uint64_t id, std::uint64_t time) {
    events_.emplace(now_ + time, r, id);
  }

  void end(std::size_t r, std::uint64_t id) {
    const Node& n = node(r, id);
    ranks_[r].busy.erase(place(n));
    ++ranks_[r].ended;
    for (const std::uint64_t next : ranks_[r].after[id]) {
      if (--ranks_[r].waits[next] == 0) ranks_[r].free.insert(next);
    }
    if (n.type == kSend) {
      const Message message{r, n.number("comm_dst"), n.number("comm_tag")};
      arrived_.insert(message);
      const auto receiver = receivers_.find(message);
      if (receiver != receivers_.end()) end_after(n.number("comm_dst"), receiver->second, 0);
    }
    issue(r);
  }

  const Groups& groups_;
  bool receives_take_turns_;
  std::vector<Rank> ranks_;
  std::uint64_t now_ = 0;
  using Event = std::tuple<std::uint64_t, std::size_t, std::uint64_t>;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::map<std::pair<std::string, std::size_t>, Meeting> meetings_;
  std::map<Message, std::uint64_t> receivers_;
  std::set<Message> arrived_;
  std::string wrong_;
};

}  // namespace

Trace read(std::string_view bytes) {
  Trace trace;
  Reader in(bytes);
  fields(
      in.text(), [](std::uint64_t, std::uint64_t) {},
      [&](std::uint64_t field, std::string_view value) {
        if (field == 1) trace.version = value;
      });
  while (!in.done()) trace.nodes.push_back(read_node(in.text()));
  return trace;
}

std::string replay(const std::vector<Trace>& ranks, const Groups& groups,
                   bool receives_take_turns) {
  return Replay(ranks, groups, receives_take_turns).run();
}

}  // namespace chakra
