// Attention over keys that come in parts: a kernel a part, and what joins them.
#include <catch2/catch.hpp>
#include <string>

#include "devices.hpp"
#include "models/cost.hpp"
#include "models/operators.hpp"

namespace {

using models::Operator;
using models::Pass;

constexpr std::int64_t kSequence = 32768;
constexpr std::int64_t kHeads = 32, kKeyHeads = 8, kHead = 128;

models::Transformer llama() {
  models::Transformer t;
  t.layers = 4;
  t.hidden = kHeads * kHead;
  t.heads = kHeads;
  t.kv_heads = kKeyHeads;
  t.head_dim = kHead;
  t.ffn = 14336;
  t.vocab = 128256;
  return t;
}

std::vector<Operator> layer(std::int64_t ranks, std::int64_t parts) {
  models::Shard s;
  s.micro_batch = 1;
  s.seq_len = kSequence;
  s.cp = ranks;
  s.cp_ring = parts;
  s.attention = models::AttentionKernel::flash;
  return layer_operators(llama(), models::LayerKind::dense, s, {});
}

const Operator* find(const std::vector<Operator>& operators, const std::string& name) {
  for (const Operator& op : operators) {
    if (op.name == name) return &op;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("keys in one part need nothing that joins them") {
  const auto operators = layer(4, 1);  // gathered before
  CHECK(find(operators, "merge") == nullptr);
  REQUIRE(find(operators, "attention") != nullptr);
  CHECK(find(operators, "attention")->forward.kernels == 1);
}

TEST_CASE("each further part adds its output and its gradients") {
  const double queries = kSequence / 4.0 * kHeads * kHead;
  const double keys_and_values = kSequence / 4.0 * 2.0 * kKeyHeads * kHead;
  const auto operators = layer(4, 4);
  REQUIRE(find(operators, "merge") != nullptr);
  const Operator& merge = *find(operators, "merge");
  const double summed = 2.0 * 2.0 + 3.0 * 3.0 * 2.0;  // one written, three added, in 16 bits
  CHECK(merge.forward.traffic.as_double() == queries * summed + keys_and_values * 4.0);
  CHECK(merge.backward_data.traffic.as_double() ==
        queries * summed + keys_and_values * (summed + 4.0 * 4.0));
  CHECK(find(operators, "attention")->forward.kernels == 4);
  CHECK(find(operators, "attention")->backward_data.kernels == 12);
}

TEST_CASE("the same attention takes longer in parts, by the overhead of its kernels") {
  const models::Device device = test::device("h100-80gb");
  const auto seconds = [&](std::int64_t parts, Pass pass) {
    return models::cost(*find(layer(8, parts), "attention"), pass, models::Precision::bf16, device,
                        {})
        .seconds();
  };
  CHECK(seconds(8, Pass::forward) > seconds(1, Pass::forward));
  // Each part's backward clears, adds up and converts the queries' gradients: 20 bytes an element.
  const double queries = kSequence / 8.0 * kHeads * kHead;
  const double bandwidth = device.memory_bandwidth.bytes_per_second() * device.memory_efficiency;
  CHECK(seconds(8, Pass::backward_data) - seconds(1, Pass::backward_data) >
        7.0 * 20.0 * queries / bandwidth);
  const auto flops = [](std::int64_t parts) {
    return find(layer(8, parts), "attention")->forward.flops.count();
  };
  CHECK(flops(8) == flops(1));
}
