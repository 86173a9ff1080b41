// Every formula of docs/strategies.md against what a simulated step does: the buffer bytes of its
// collectives and the bytes that a rank holds. One entry a row of the table; the cells stand in
// both places, and the first test compares them.
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#include "matrix_seen.hpp"
#include "strategies/saved.hpp"

using namespace strategies;
using collectives::Kind;
using sim::MemoryCategory;

namespace {

struct Row {
  const char* strategy;
  const char* bytes;   // buffer of collectives, per rank and step
  const char* memory;  // held from step to step, per rank
  std::function<void()> check;
};

std::vector<Row> rows() {
  return {
      {"data parallel", "AR 2P", "16P",
       [] {
         const Seen seen = sharded(0);
         CHECK(seen.moved(GroupKind::shard, Kind::all_reduce) == 2 * seen.p);
         CHECK(seen.states() == 16 * seen.p);
       }},
      {"ZeRO-1", "RS 2P + AG 2P", "4P + 12P/N", [] { check_sharding(1, 1, 4 * 8 + 12); }},
      {"ZeRO-2", "RS 2P + AG 2P", "2P + 14P/N", [] { check_sharding(2, 1, 2 * 8 + 14); }},
      {"HSDP", "RS 2P + AG at most 4P + AR 2P/G", "16P/G",
       [] {
         const Seen seen = sharded(3, 4);
         CHECK(seen.moved(GroupKind::shard, Kind::reduce_scatter) == 2 * seen.p);
         CHECK(seen.moved(GroupKind::replicate, Kind::all_reduce) == 2 * seen.p / 4);
         // What backward wants again at once stays gathered.
         CHECK(seen.moved(GroupKind::shard, Kind::all_gather) <= 4 * seen.p);
         CHECK(seen.moved(GroupKind::shard, Kind::all_gather) > 2 * seen.p);
         CHECK(seen.states() * 4 == 16 * seen.p);
       }},
      {"MiCS", "RS 2P·m + AG at most 4P·m + AR 2P/G", "16P/G",
       [] {
         StepFixture f;
         f.plan.dp = 8;
         f.plan.zero = 3;
         f.plan.shard_group = 4;
         f.plan.grad_reduce = GradReduce::two_hop;
         f.training.global_batch = 24;
         const Seen seen = observe(f);
         REQUIRE(seen.m == 3);
         CHECK(seen.moved(GroupKind::shard, Kind::reduce_scatter) == 2 * seen.p * seen.m);
         CHECK(seen.moved(GroupKind::replicate, Kind::all_reduce) == 2 * seen.p / 4);
         CHECK(seen.moved(GroupKind::shard, Kind::all_gather) <= 4 * seen.p * seen.m);
         CHECK(seen.states() * 4 == 16 * seen.p);
       }},
      {"MiCS, gathered in two hops", "AG at most 4P·m/g across + AG at most 4P·m inside", "16P/G",
       [] {
         StepFixture f;
         f.plan.dp = 8;
         f.plan.zero = 3;
         f.plan.gather_group = 2;
         const Seen seen = observe(f);
         const std::int64_t inside = seen.moved(GroupKind::shard_inside, Kind::all_gather);
         CHECK(inside <= 4 * seen.p * seen.m);
         CHECK(inside > 2 * seen.p * seen.m);
         CHECK(2 * seen.moved(GroupKind::shard_across, Kind::all_gather) == inside);
         CHECK(seen.moved(GroupKind::shard, Kind::all_gather) == 0);
         CHECK(seen.states() * 8 == 16 * seen.p);
       }},
      {"hpZ", "RS 2P + AG 2P + AG 2P in the part", "16P/N + 2P/s",
       [] {
         StepFixture f;
         f.plan.dp = 8;
         f.plan.zero = 3;
         f.plan.secondary_shard = 2;
         const Seen seen = observe(f);
         CHECK(seen.moved(GroupKind::shard, Kind::reduce_scatter) == 2 * seen.p);
         CHECK(seen.moved(GroupKind::shard, Kind::all_gather) == 2 * seen.p);
         CHECK(seen.moved(GroupKind::secondary, Kind::all_gather) == 2 * seen.p);
         CHECK(seen.states() == 16 * seen.p / 8 + 2 * seen.p / 2);
       }},
      {"ZeRO++", "RS 0.5P + AG 1P a pass", "16P/N",
       [] {
         StepFixture plain;
         plain.plan.dp = 8;
         plain.plan.zero = 3;
         const Seen whole = observe(plain);
         StepFixture f;
         f.plan.dp = 8;
         f.plan.zero = 3;
         f.training.quantized_weights = f.training.quantized_gradients = true;
         const Seen seen = observe(f);
         CHECK(seen.moved(GroupKind::shard, Kind::reduce_scatter) * 2 == seen.p);
         CHECK(seen.moved(GroupKind::shard, Kind::all_gather) * 2 ==
               whole.moved(GroupKind::shard, Kind::all_gather));
         CHECK(seen.states() * 8 == 16 * seen.p);
       }},
      {"tensor parallel", "AR (4L + 2)·S·m + 3·4T·m", "16P/t",
       [] {
         StepFixture f;
         f.plan.tp = kRanks;
         const Seen seen = observe(f);
         const std::int64_t scalars = 3 * 4 * f.costs().tokens() * seen.m;
         CHECK(seen.moved(GroupKind::tensor, Kind::all_reduce) ==
               (4 * seen.l + 2) * seen.s * seen.m + scalars);
         CHECK(seen.states() == 16 * seen.p);
       }},
      {"context parallel, ring", "AG 3·KV·L·m", "16P",
       [] { check_context(CpType::ring, Kind::all_gather, 3); }},
      {"context parallel, allgather", "AG 2·KV·L·m + RS KV·L·m", "16P",
       [] {
         check_context(CpType::allgather, Kind::all_gather, 2);
         check_context(CpType::allgather, Kind::reduce_scatter, 1);
       }},
      {"context parallel, ulysses", "A2A 4·KV·L·m/c", "16P",
       [] {
         StepFixture f;
         f.plan.cp = kRanks;
         f.plan.cp_type = CpType::ulysses;
         const Seen seen = observe(f);
         CHECK(seen.moved(GroupKind::context, Kind::all_to_all) ==
               4 * 2 * seen.s * seen.l * seen.m);
       }},
      {"context parallel, hybrid", "A2A 4·KV·L·m/c + AG 3·KV·L·m/u", "16P",
       [] {
         StepFixture f;
         f.plan.cp = kRanks;
         f.plan.cp_type = CpType::hybrid;
         f.plan.cp_ulysses = 2;
         const Seen seen = observe(f);
         const std::int64_t kv = 2 * kRanks * seen.s;
         CHECK(seen.moved(GroupKind::context_heads, Kind::all_to_all) ==
               4 * kv * seen.l * seen.m / kRanks);
         CHECK(seen.moved(GroupKind::context_ring, Kind::all_gather) ==
               3 * kv * seen.l * seen.m / 2);
       }},
      {"pipeline", "P2P S·m a boundary and direction", "16P/p",
       [] {
         StepFixture f;
         f.plan.pp = 2;
         const Seen seen = observe(f);
         CHECK(seen.moved(GroupKind::next_stage, Kind::send_recv) == seen.s * seen.m);
         CHECK(seen.states() == 16 * seen.p);
       }},
      {"expert parallel, alltoall", "A2A (4·S + 8·T)·k·L·m", "16·(dense + experts/e)",
       [] {
         StepFixture f = experts();
         const Seen seen = observe(f);
         CHECK(seen.moved(GroupKind::expert, Kind::all_to_all) ==
               (4 * seen.s + 8 * seen.t) * 2 * seen.l * seen.m);
         // Every rank tells all others what it has for each expert.
         CHECK(seen.moved(GroupKind::expert, Kind::all_gather) ==
               8 * kExperts * kRanks * seen.l * seen.m);
         CHECK(seen.states() == 16 * seen.p);
       }},
      {"expert parallel, allgather", "AG (2·S + 5·T·E)·e·L·m + RS (2·S + 4·T·E)·e·L·m",
       "16·(dense + experts/e)",
       [] {
         StepFixture f = experts();
         f.plan.ep_dispatch = EpDispatch::allgather;
         const Seen seen = observe(f);
         CHECK(seen.moved(GroupKind::expert, Kind::all_gather) ==
               (2 * seen.s + 5 * seen.t * kExperts) * kRanks * seen.l * seen.m);
         CHECK(seen.moved(GroupKind::expert, Kind::reduce_scatter) ==
               (2 * seen.s + 4 * seen.t * kExperts) * kRanks * seen.l * seen.m);
       }},
      {"expert parallel, node_limited", "A2A 4·min(k, n)·S·L·m + NVLink 4·k·S·L·m",
       "16·(dense + experts/e)",
       [] {
         StepFixture f = experts();
         f.plan.ep_dispatch = EpDispatch::node_limited;
         f.gpt().moe->node_limit = 1;
         const Seen seen = observe(f);
         CHECK(seen.moved(GroupKind::expert, Kind::all_to_all) == 4 * seen.s * seen.l * seen.m);
         CHECK(seen.forwarded(GroupKind::expert) == 4 * 2 * seen.s * seen.l * seen.m);
       }},
      {"expert parallel, tokens in fp8", "A2A (3·S + 8·T)·k·L·m + scales", "16·(dense + experts/e)",
       [] {
         StepFixture f = experts();
         f.plan.ep_dispatch_dtype = models::Precision::fp8;
         const Seen one_scale = observe(f);
         CHECK(one_scale.moved(GroupKind::expert, Kind::all_to_all) ==
               (3 * one_scale.s + 8 * one_scale.t) * 2 * one_scale.l * one_scale.m);
         // A scale of 4 bytes for 128 elements of 2 bytes, both times that tokens go out in fp8.
         f.training.precision = models::Precision::fp8;
         f.training.fp8_recipe = Fp8Recipe::blockwise;
         const Seen seen = observe(f);
         CHECK(seen.moved(GroupKind::expert, Kind::all_to_all) ==
               (3 * seen.s + 2 * seen.s * 4 / (2 * 128) + 8 * seen.t) * 2 * seen.l * seen.m);
       }},
      {"fp8, delayed scaling", "AR 20·Q·v·m", "16P + 2·Pq",
       [] {
         StepFixture f;
         f.plan.tp = kRanks;
         f.training.precision = models::Precision::fp8;
         const Seen seen = observe(f);
         std::int64_t products = 0, parameters = 0;
         for (const Unit& unit : f.context().chunks[0].units) {
           products += unit.cost->quantised_products;
           parameters += unit.cost->quantised_parameters;
         }
         CHECK(products == 4 * seen.l);
         CHECK(seen.moved(GroupKind::stage, Kind::all_reduce) == 20 * products * seen.m);
         CHECK(seen.states() == 16 * seen.p + 2 * parameters);
       }},
      {"optimizer offload", "D2H 2P + H2D 2P", "4P",
       [] {
         StepFixture f;
         f.plan.offload.optimizer = 1.0;
         const Seen seen = observe(f);
         CHECK(seen.moved(GroupKind::to_host, Kind::send_recv) == 2 * seen.p);
         CHECK(seen.moved(GroupKind::from_host, Kind::send_recv) == 2 * seen.p);
         CHECK(seen.moved(GroupKind::host, Kind::send_recv) == (2 + 24 + 2) * seen.p);
         CHECK(seen.states() == 4 * seen.p);
       }},
      {"optimizer on NVMe", "D2H 2P + H2D 2P + NVMe 24P", "4P",
       [] {
         StepFixture f;
         f.plan.offload.optimizer = 1.0;
         f.plan.offload.nvme = true;
         const Seen seen = observe(f);
         CHECK(seen.moved(GroupKind::to_host, Kind::send_recv) == 2 * seen.p);
         CHECK(seen.forwarded(GroupKind::host) == 24 * seen.p);
         CHECK(seen.states() == 4 * seen.p);
       }},
      {"parameter offload", "H2D 4P·m", "14P",
       [] {
         StepFixture f;
         f.plan.offload.parameters = 1.0;
         const Seen seen = observe(f);
         CHECK(seen.moved(GroupKind::from_host, Kind::send_recv) == 4 * seen.p * seen.m);
         CHECK(seen.states() == 14 * seen.p);
       }},
      {"activation offload", "D2H A·m + H2D A·m", "16P",
       [] {
         StepFixture f;
         f.plan.offload.activations = 1.0;
         const Seen seen = observe(f);
         std::int64_t saved = 0;
         const Chunk& chunk = f.context().chunks[0];
         for (std::size_t u = 0; u + 1 < chunk.units.size(); ++u) {
           saved += kept_for_backward(f.context(), chunk, u).count();
         }
         CHECK(seen.moved(GroupKind::to_host, Kind::send_recv) == saved * seen.m);
         CHECK(seen.moved(GroupKind::from_host, Kind::send_recv) == saved * seen.m);
         CHECK(seen.held(MemoryCategory::activations) == 0);
         CHECK(seen.held(MemoryCategory::buffers) == 0);
       }},
  };
}

}  // namespace

TEST_CASE("docs/strategies.md has the cells that are tested here, and no other row") {
  std::ifstream file(STEPCAST_SOURCE_DIR "/docs/strategies.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string docs = text.str();
  const std::size_t begin = docs.find("| strategy | bytes");
  REQUIRE(begin != std::string::npos);
  const std::string table = docs.substr(begin, docs.find("\n\n", begin) - begin);
  for (const Row& row : rows()) {
    INFO(row.strategy);
    const std::string cells =
        std::string("| ") + row.strategy + " | " + row.bytes + " | " + row.memory + " |";
    CHECK(table.find(cells) != std::string::npos);
  }
  CHECK(static_cast<std::size_t>(std::count(table.begin(), table.end(), '\n')) ==
        rows().size() + 1);
}

TEST_CASE("every strategy moves and holds what its row of the matrix says") {
  for (const Row& row : rows()) {
    INFO(row.strategy);
    row.check();
  }
}
