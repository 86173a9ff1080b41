// What the ranks that share out experts exchange.
#include <catch2/catch.hpp>
#include <map>

#include "step_fixture.hpp"

using namespace strategies;
using collectives::Kind;

TEST_CASE("routing weights travel in an exchange of their own, unless the exchange routes") {
  StepFixture f;
  f.share_out_experts();
  const auto exchanges = [](const Program& program) {
    std::map<std::int64_t, int> sizes;
    for (const Op& op : program.ops()) {
      const bool tokens = op.kind == OpKind::collective && op.collective == Kind::all_to_all;
      if (tokens && op.group == GroupKind::expert) ++sizes[op.bytes.count()];
    }
    return sizes;
  };
  // Two copies of a token: 16-bit hidden states, fp32 weights. Both exchanges of forward and of
  // backward move tokens; weights go out in forward, their gradients come back in backward.
  const std::int64_t copies = 2 * f.training.seq_len;
  const int passes = static_cast<int>(f.gpt().layers * f.training.global_batch / f.plan.dp);
  CHECK(exchanges(f.program()) ==
        std::map<std::int64_t, int>{{4 * copies, 2 * passes},
                                    {2 * f.gpt().hidden * copies, 4 * passes}});
  f.plan.ep_dispatch = EpDispatch::node_limited;
  CHECK(exchanges(f.program()).size() == 1);
}
