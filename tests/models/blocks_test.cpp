// Whole transformer blocks, measured on an H100 and an H200 by models/fit/measure_gpu.py: PyTorch's
// modules one after the other, forward and backward. Tests the sum of all operators of a layer at
// once.
#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "devices.hpp"
#include "models/cost.hpp"
#include "models/operators.hpp"

namespace {

struct Block {
  models::Transformer model;
  models::Shard shard;
  models::KernelProfile kernels;
};

Block block_of(const std::vector<std::string>& row) {
  Block block;
  models::Transformer& t = block.model;
  t.layers = 1;
  t.hidden = std::stoll(row[1]);
  t.ffn = std::stoll(row[2]);
  t.heads = std::stoll(row[3]);
  t.kv_heads = std::stoll(row[4]);
  t.head_dim = t.hidden / t.heads;
  t.vocab = 32000;
  block.shard.micro_batch = std::stoll(row[5]);
  block.shard.seq_len = std::stoll(row[6]);
  block.shard.gradient_bytes = 2.0;
  models::KernelProfile& k = block.kernels;
  k.fused_norm = row[0] != "eager_norms";
  k.fused_activation = k.fused_rope = k.fused_bias_dropout = false;
  k.separate_projections = true;
  k.weight_gradient_accumulation_fused = false;
  k.compiled = row[0] == "compiled";
  return block;
}

double seconds_of(const Block& block, const models::Device& device) {
  sim::Time total;
  for (const auto& op :
       layer_operators(block.model, models::LayerKind::dense, block.shard, block.kernels)) {
    for (const auto pass :
         {models::Pass::forward, models::Pass::backward_data, models::Pass::backward_weight}) {
      total += cost(op, pass, models::Precision::bf16, device, block.kernels);
    }
  }
  return total.seconds();
}

}  // namespace

TEST_CASE("whole blocks on H100 and H200 take what was measured") {
  double error = 0.0;
  double bias = 0.0;
  int count = 0;
  for (const std::string name : {"h100-80gb", "h200"}) {
    models::Device device = test::device(name);
    // What the power limit leaves of the clock of short runs: docs/models.md, Power.
    for (sim::FlopRate& rate : device.peak) rate = rate * 0.94;
    for (const auto& row : test::read_csv("measured/" + name + "/blocks.csv")) {
      const double measured = std::stod(row[8]) * 1e-6;
      const double host = (std::stod(row[9]) + std::stod(row[10])) * 1e-6;
      if (host > 0.6 * measured) continue;  // the device waited for the host
      const double ratio = seconds_of(block_of(row), device) / measured;
      UNSCOPED_INFO(name << " " << row[0] << " hidden " << row[1] << ", " << row[5] << " x "
                         << row[6] << ": " << ratio);
      error += std::abs(ratio - 1.0);
      bias += ratio - 1.0;
      ++count;
    }
  }
  CHECK(count > 25);
  CHECK(error / count < 0.05);
  CHECK(std::abs(bias / count) < 0.03);
}
