// Chakra execution traces (MLCommons, schema/protobuf/et_def.proto): what every rank does in a
// step, as a graph of operations that ASTRA-sim and others replay. One file a rank, and the groups.
//
// As ASTRA-sim reads them (astra-sim/workload/Workload.cc): only data_deps order operations, so
// that the order of a stream is written as such; durations are whole microseconds; comm_size is
// what a member puts in, the shard in case of an all-gather (astra-sim/system/collective); the
// names of groups are numbers, and members meet in the order in which each issues.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "formats/chakra_step.hpp"
#include "formats/format.hpp"
#include "formats/protobuf_writer.hpp"
#include "scenarios/reader.hpp"

namespace formats {
namespace {

using strategies::GroupKind;
using strategies::Op;
using strategies::OpIndex;
using strategies::OpKind;

// Far beyond what ASTRA-sim, which holds all ranks' graphs, replays in a day.
constexpr double kMostBytes = 4e9;
// From here on CommunicatorGroup::set_id() leaves the range of an int (id * 1000000).
constexpr std::size_t kMostGroups = 2147;

enum class NodeType : std::uint8_t { load = 2, store = 3, compute = 4, send, receive, collective };

// AttributeProto: a name and a value of one type, whose field says which.
enum class Value : std::uint32_t { int32 = 7, int64 = 9, uint64 = 13, boolean = 27, text = 29 };

std::uint64_t comm_type(collectives::Kind kind) {
  switch (kind) {
    case collectives::Kind::all_reduce:
      return 0;
    case collectives::Kind::all_gather:
      return 2;
    case collectives::Kind::broadcast:
      return 5;
    case collectives::Kind::all_to_all:
      return 6;
    case collectives::Kind::reduce_scatter:
      return 7;
    case collectives::Kind::send_recv:  // with the host only: a load or a store
      break;
  }
  SIM_EXPECTS(false, "a collective that Chakra knows");
  return 0;
}

std::uint64_t count(sim::Bytes bytes) { return static_cast<std::uint64_t>(bytes.count()); }

void attribute(ProtobufWriter& node, std::string_view name, Value type, std::uint64_t value) {
  ProtobufWriter out;
  out.text(1, name);
  out.number(static_cast<std::uint32_t>(type), value);
  node.message(10, out);
}

void attribute(ProtobufWriter& node, std::string_view name, const std::string& value) {
  ProtobufWriter out;
  out.text(1, name);
  out.text(static_cast<std::uint32_t>(Value::text), value);
  node.message(10, out);
}

// Microseconds of the operations of a stream. What is rounded off goes to the next one, so that
// sums stay true.
class WholeMicroseconds {
 public:
  std::uint64_t next(double seconds) {
    exact_ += seconds * 1e6;
    const auto so_far = static_cast<std::uint64_t>(std::llround(exact_));
    return so_far - std::exchange(written_, so_far);
  }

 private:
  double exact_ = 0.0;
  std::uint64_t written_ = 0;
};

std::string title(const Op& op) {
  // Compute is named by the first of what is joined in it.
  std::string out(strategies::name(op.activity));
  if (op.kind != OpKind::compute) out = op.name;
  if (op.kind == OpKind::compute && *op.name != 0) out += fmt::format(" from {}", op.name);
  if (op.chunk >= 0) out += fmt::format(" chunk {}", op.chunk);
  if (op.micro_batch >= 0) out += fmt::format(" micro-batch {}", op.micro_batch);
  if (op.layer >= 0) out += fmt::format(" layer {}", op.layer);
  return out;
}

// Of one rank.
class Trace {
 public:
  Trace(const ChakraStep& step, std::int64_t rank) : step_(step), rank_(rank) {}

  std::string write() {
    ProtobufWriter out;
    ProtobufWriter metadata;
    metadata.text(1, "0.0.4");  // of the schema, as in ASTRA-sim's examples
    out.entry(metadata);
    for (OpIndex i = 0; i < program().size(); ++i) {
      out.entry(node(i));
      // A receive takes no place in its stream.
      const Op& op = program().op(i);
      if (op.kind != OpKind::receive) state(op.stream).last = i;
    }
    return out.take();
  }

 private:
  struct StreamState {
    std::optional<OpIndex> last;
    WholeMicroseconds clock;
  };

  const strategies::Program& program() const { return step_.program(rank_); }
  StreamState& state(strategies::Stream stream) {
    return streams_[static_cast<std::size_t>(step_.lane(stream))];
  }
  // Ids count from 1: 0 is what a missing one reads as.
  static std::uint64_t id(OpIndex index) { return index + std::uint64_t{1}; }

  NodeType type_of(const Op& op) const {
    if (op.kind == OpKind::compute) return NodeType::compute;
    if (op.kind == OpKind::send) return NodeType::send;
    if (op.kind == OpKind::receive) return NodeType::receive;
    if (op.group == GroupKind::to_host) return NodeType::store;
    if (op.group == GroupKind::from_host) return NodeType::load;
    if (op.group == GroupKind::host) return NodeType::compute;
    // Alone, there is nothing to exchange: an operation without duration.
    return step_.group(rank_, op) == 0 ? NodeType::compute : NodeType::collective;
  }

  const ProtobufWriter& node(OpIndex index) {
    const Op& op = program().op(index);
    const NodeType type = type_of(op);
    node_.clear();
    node_.number(1, id(index));
    node_.text(2, title(op));
    node_.number(3, static_cast<std::uint64_t>(type));
    if (const auto before = predecessors(index); !before.empty()) node_.packed(5, before);
    if (const double seconds = step_.seconds(rank_, op); seconds > 0.0) {
      node_.number(7, state(op.stream).clock.next(seconds));
    }
    const bool on_host = op.kind == OpKind::collective && op.group == GroupKind::host;
    attribute(node_, "is_cpu_op", Value::boolean, on_host ? 1 : 0);
    switch (type) {
      case NodeType::compute:
        if (op.flops <= 0.0) break;
        attribute(node_, "num_ops", Value::int64, static_cast<std::uint64_t>(op.flops));
        break;
      case NodeType::load:
      case NodeType::store:
        attribute(node_, "tensor_size", Value::uint64, count(op.bytes));
        break;
      case NodeType::send:
        message(rank_, step_.peer(rank_, op.group), op.message);
        break;
      case NodeType::receive:
        message(step_.peer(rank_, op.group), rank_, op.message);
        break;
      case NodeType::collective:
        collective(op);
        break;
    }
    return node_;
  }

  // What waits for a receive is compute, which comes after the compute before it anyway. Posted no
  // earlier, it does not hold up what the rank sends first.
  std::vector<std::uint64_t> predecessors(OpIndex index) {
    const Op& op = program().op(index);
    const bool receives = op.kind == OpKind::receive;
    std::vector<std::uint64_t> out;
    if (const auto& last = state(receives ? strategies::Stream::compute : op.stream).last) {
      out.push_back(id(*last));
    }
    if (receives) return out;
    for (const OpIndex dependency : program().dependencies(index)) out.push_back(id(dependency));
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

  void message(std::int64_t from, std::int64_t to, std::uint64_t key) {
    const ChakraStep::Message& message = step_.message(from, to, key);
    attribute(node_, "comm_src", Value::int32, static_cast<std::uint64_t>(from));
    attribute(node_, "comm_dst", Value::int32, static_cast<std::uint64_t>(to));
    attribute(node_, "comm_tag", Value::int32, message.tag);
    attribute(node_, "comm_size", Value::int64, count(message.bytes));
  }

  void collective(const Op& op) {
    const std::size_t group = step_.group(rank_, op);
    std::uint64_t bytes = count(op.bytes);
    if (op.collective == collectives::Kind::all_gather) {
      const std::uint64_t parts = step_.groups()[group - 1].size();
      bytes = (bytes + parts - 1) / parts;
    }
    attribute(node_, "comm_type", Value::int64, comm_type(op.collective));
    attribute(node_, "comm_size", Value::int64, bytes);
    attribute(node_, "pg_name", std::to_string(group));
  }

  const ChakraStep& step_;
  std::int64_t rank_;
  std::array<StreamState, strategies::kStreams> streams_;
  ProtobufWriter node_;
};

// Ranks of a stage have files of the same size, but for the digits of numbers.
void check_size(const ChakraStep& step, const std::string& scenario) {
  double bytes = 0.0;
  for (std::int64_t stage = 0; stage < step.stages(); ++stage) {
    bytes += static_cast<double>(Trace(step, step.first_of(stage)).write().size()) *
             static_cast<double>(step.world() / step.stages());
  }
  if (bytes <= kMostBytes) return;
  throw scenarios::ScenarioError(
      scenarios::ErrorKind::limit,
      {{scenario, 0, 0, "",
        fmt::format("traces of {} ranks would take {:.1f} GB; at most {:.0f} GB are written",
                    step.world(), bytes / 1e9, kMostBytes / 1e9),
        "fewer GPUs or micro-batches: --set cluster.gpus=N, --set training.global_batch=N", ""}});
}

std::string groups_json(const ChakraStep& step) {
  std::string out = "{";
  for (std::size_t g = 0; g < step.groups().size(); ++g) {
    out += fmt::format("{}\n\"{}\": [{}]", g == 0 ? "" : ",", g + 1,
                       fmt::join(step.groups()[g], ", "));
  }
  return out + "\n}\n";
}

std::vector<Note> notes_of(const ChakraStep& step, const scenarios::Scenario& scenario) {
  std::vector<Note> out{{0,
                         "not in a trace: the network, memory, the host's time to issue work, and "
                         "how communication slows compute"}};
  const auto say = [&](bool wanted, std::string text) {
    if (wanted) out.push_back({0, std::move(text)});
  };
  say(step.has().broadcast,
      "ASTRA-sim gives a broadcast the duration in the trace, which is not known here");
  say(step.has().forwarded, "what a node-limited exchange hands on inside the nodes is left out");
  say(step.has().offloading,
      "offloading is loads and stores: ASTRA-sim needs --remote-memory-configuration");
  say(scenario.faults.jitter > 0.0, "faults.jitter is left out");
  say(step.groups().size() > kMostGroups,
      fmt::format("{} groups: ASTRA-sim can number {}", step.groups().size(), kMostGroups));
  return out;
}

}  // namespace

std::vector<std::string> chakra_files(const scenarios::Scenario& scenario) {
  std::vector<std::string> out;
  for (std::int64_t rank = 0; rank < scenario.plan.world_size(); ++rank) {
    out.push_back(fmt::format(".{}.et", rank));
  }
  out.emplace_back(".groups.json");
  return out;
}

std::vector<Note> export_chakra(const scenarios::Scenario& scenario, const FileSink& file) {
  const ChakraStep step(scenario);
  check_size(step, scenario.files.empty() ? scenario.name : scenario.files.front());
  for (std::int64_t rank = 0; rank < step.world(); ++rank) {
    file(fmt::format(".{}.et", rank), Trace(step, rank).write());
  }
  file(".groups.json", groups_json(step));
  return notes_of(step, scenario);
}

}  // namespace formats
