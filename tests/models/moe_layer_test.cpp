// Layers of experts in plain PyTorch, against what models/fit/measure_moe_layer.py measured on an
// H100: parts, products and whole layers.
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <string>

#include "devices.hpp"
#include "models/cost.hpp"
#include "models/operators.hpp"

namespace {

using models::Pass;

struct Layer {
  models::Transformer model;
  models::Shard shard;
};

// Columns from `tokens` on: tokens, hidden, experts, top_k, ffn.
Layer layer_of(const std::vector<std::string>& row, std::size_t tokens, std::int64_t ranks) {
  Layer layer;
  models::Transformer& t = layer.model;
  t.layers = 1;
  t.hidden = std::stoll(row[tokens + 1]);
  t.heads = t.kv_heads = t.hidden / 64;
  t.head_dim = 64;
  t.ffn = t.hidden;
  t.vocab = 32000;
  models::Moe moe;
  moe.experts = std::stoll(row[tokens + 2]);
  moe.top_k = std::stoll(row[tokens + 3]);
  moe.ffn = std::stoll(row[tokens + 4]);
  t.moe = moe;
  layer.shard.micro_batch = 1;
  layer.shard.seq_len = std::stoll(row[tokens]);
  layer.shard.ep = ranks;
  layer.shard.gradient_bytes = 2.0;
  return layer;
}

models::KernelProfile plain() {
  models::KernelProfile kernels;
  kernels.fused_permutation = false;
  kernels.grouped_kernel = true;
  kernels.separate_projections = true;
  kernels.fused_activation = false;
  kernels.weight_gradient_accumulation_fused = false;
  return kernels;
}

double microseconds(const models::Operator& op, bool forward) {
  const models::Device device = test::device("h100-80gb");
  const auto time = [&](Pass pass) {
    return cost(op, pass, models::Precision::bf16, device, plain()).seconds() * 1e6;
  };
  return forward ? time(Pass::forward) : time(Pass::backward_data) + time(Pass::backward_weight);
}

models::Operator find(const Layer& layer, const std::string& name) {
  for (const auto& op :
       layer_operators(layer.model, models::LayerKind::moe, layer.shard, plain())) {
    if (op.name == name) return op;
  }
  return {};
}

struct Errors {
  double bias = 0.0;
  double mean = 0.0;
  int count = 0;
};

// Of rows of moe_products.csv, by pass: predicted over measured, less one.
std::map<std::string, Errors> product_errors(const std::string& kind, std::int64_t least_rows,
                                             const models::KernelProfile& kernels,
                                             double gradient_bytes) {
  const models::Device device = test::device("h100-80gb");
  std::map<std::string, Errors> errors;
  for (const auto& row : test::read_csv("measured/h100-80gb/moe_products.csv")) {
    if (row[0] != kind || std::stoll(row[3]) < least_rows) continue;
    const bool weight = row[1] == "backward_weight";
    const std::int64_t m = std::stoll(row[3]), n = std::stoll(row[4]), k = std::stoll(row[5]);
    models::Operator op;
    op.kind = models::OpKind::grouped_gemm;
    models::Work& work = op.forward;
    work.batch = std::stoll(row[2]);
    work.kernels = kernels.grouped_kernel ? 2 : 1;
    work.m = weight ? n : m;
    work.n = row[1] == "forward" ? n : k;
    work.k = row[1] == "forward" ? k : weight ? m : n;
    work.output_bytes = weight ? gradient_bytes : 2.0;
    const auto out = static_cast<std::int64_t>(work.output_bytes);
    work.traffic =
        sim::Bytes{work.batch * (2 * work.k * (work.m + work.n) + out * work.m * work.n)};
    const double time =
        cost(op, Pass::forward, models::Precision::bf16, device, kernels).seconds() * 1e6;
    Errors& error = errors[row[1]];
    error.bias += time / std::stod(row[6]) - 1.0;
    error.mean += std::abs(time / std::stod(row[6]) - 1.0);
    ++error.count;
  }
  for (auto& [pass, error] : errors) {
    error.bias /= error.count;
    error.mean /= error.count;
    UNSCOPED_INFO(kind << " " << pass << ": " << error.bias << ", " << error.mean << " of "
                       << error.count);
  }
  return errors;
}

}  // namespace

TEST_CASE("gathers, scores and atomic sums of experts' tokens take what was measured") {
  const std::map<std::string, std::string> parts = {
      {"gather_rows", "gather"},      {"scale_rows", "scale"},     {"permute_index", "permute"},
      {"unpermute_put", "unpermute"}, {"scatter_add_rows", "sum"}, {"top_k", "select"}};
  double error = 0.0;
  double bias = 0.0;
  int count = 0;
  for (const auto& row : test::read_csv("measured/h100-80gb/moe_parts.csv")) {
    const auto part = parts.find(row[0]);
    if (part == parts.end()) continue;
    const models::Operator op = find(layer_of(row, 2, 4), part->second);
    for (const bool forward : {true, false}) {
      const std::size_t column = forward ? 7 : 8;
      if (row.size() <= column || row[column].empty()) continue;
      if (op.forward.kernels == 0) continue;  // one expert here: nothing to sort
      const double measured = std::stod(row[column]);
      const double ratio = microseconds(op, forward) / measured;
      INFO(row[0] << " " << row[1] << " " << row[2] << (forward ? " forward " : " backward ")
                  << ratio);
      CHECK(ratio == Approx(1.0).margin(0.15 + 15.0 / measured));  // short ones wait to start
      error += std::abs(ratio - 1.0);
      bias += ratio - 1.0;
      ++count;
    }
  }
  CHECK(count == 88);
  CHECK(error / count < 0.08);
  CHECK(std::abs(bias / count) < 0.03);
}

TEST_CASE("Megatron-Core's unfused router takes longer than its bytes, for its choice of experts") {
  const models::Device device = test::device("h100-80gb");
  models::KernelProfile kernels;
  kernels.host_issues_experts = false;  // no sizes that the host reads
  int count = 0;
  for (const auto& row : test::read_csv("measured/h100-80gb/moe_parts.csv")) {
    if (row[0] != "mcore_route") continue;
    const Layer layer = layer_of(row, 2, 8);
    double time = 0.0;
    for (const auto& op :
         layer_operators(layer.model, models::LayerKind::moe, layer.shard, kernels)) {
      const std::string name = op.name;
      if (name != "top_k" && name != "select") continue;
      time += cost(op, Pass::forward, models::Precision::bf16, device, kernels).seconds() * 1e6;
    }
    const double ratio = time / std::stod(row[7]);
    INFO(row[1] << " " << row[2] << ": " << ratio);
    CHECK(ratio > 0.5);  // short kernels take longer than their bytes and the gap
    CHECK(ratio < 1.0);
    ++count;
  }
  CHECK(count == 8);
}

TEST_CASE("whole layers of experts in plain PyTorch take what was measured") {
  for (const auto& row : test::read_csv("measured/h100-80gb/moe_layer.csv")) {
    if (row[1] != "eager") continue;
    const Layer layer = layer_of(row, 2, std::stoll(row[7]));
    double forward = 0.0;
    double backward = 0.0;
    for (const auto& op :
         layer_operators(layer.model, models::LayerKind::moe, layer.shard, plain())) {
      const bool experts =
          op.region == models::Region::router || op.region == models::Region::dispatch ||
          op.region == models::Region::mlp_in || op.region == models::Region::mlp_out ||
          op.region == models::Region::combine;
      if (!experts) continue;
      forward += microseconds(op, true);
      backward += microseconds(op, false);
    }
    INFO(row[0] << " " << row[2] << ": " << forward << " of " << row[8] << ", " << backward
                << " of " << row[9]);
    CHECK(forward / std::stod(row[8]) == Approx(1.0).margin(0.08));
    CHECK(backward / std::stod(row[9]) == Approx(1.0).margin(0.08));
  }
}

TEST_CASE("one kernel for the products of all experts takes what was measured") {
  const auto many = product_errors("grouped", 1024, plain(), 2.0);
  REQUIRE(many.size() == 3);
  for (const auto& [pass, error] : many) {
    CHECK(error.count == 84);
    CHECK(std::abs(error.bias) < 0.06);
    CHECK(error.mean < 0.08);
  }
  auto all = product_errors("grouped", 64, plain(), 2.0);  // few rows: it starts late
  CHECK(all["forward"].count == 183);
  CHECK(all["forward"].mean < 0.06);
  CHECK(all["backward_data"].mean < 0.06);
}

TEST_CASE("a call an expert, over four streams, takes what was measured") {
  models::KernelProfile kernels = plain();
  kernels.grouped_kernel = false;
  kernels.host_issues_experts = false;  // from a CUDA graph
  auto errors = product_errors("streams_graph", 64, kernels, 8.0);
  REQUIRE(errors.size() == 3);
  for (const auto& [pass, error] : errors) CHECK(error.count == 183);
  CHECK(std::abs(errors["forward"].bias) < 0.08);
  CHECK(std::abs(errors["backward_data"].bias) < 0.08);
  CHECK(errors["forward"].mean < 0.15);
  CHECK(errors["backward_data"].mean < 0.15);
  CHECK(errors["backward_weight"].mean < 0.2);
}

TEST_CASE("plain PyTorch keeps the scores' product's fp32 operand, and needs no sum after it") {
  Layer layer = layer_of({"4096", "2048", "64", "4", "768"}, 0, 8);
  layer.model.moe->shared_ffn = 768;
  const std::int64_t copies = 4 * 4096 * 2048;
  CHECK(find(layer, "scale").saved_internal.count() == 4 * copies);
  CHECK(find(layer, "add_shared").forward.kernels == 0);
  CHECK(find(layer, "gather").forward.traffic.count() == 7 * copies / 2);
  CHECK(find(layer, "gather").backward_data.traffic.count() == 11 * copies + copies / 2);
  CHECK(find(layer, "sum").forward.traffic.count() == 11 * copies + copies);
  layer.shard.exchange_routes = true;  // its kernels copy
  CHECK(find(layer, "scale").forward.kernels == 0);
  CHECK(find(layer, "permute").forward.kernels == 2);
}

TEST_CASE("gate and up projections of their own are two grouped products") {
  const Layer layer = layer_of({"4096", "2048", "64", "4", "768"}, 0, 8);
  int products = 0;
  for (const auto& op :
       layer_operators(layer.model, models::LayerKind::moe, layer.shard, plain())) {
    if (op.kind != models::OpKind::grouped_gemm) continue;
    ++products;
    CHECK(op.forward.kernels == 2);
    CHECK(op.forward.host_launches() <= 2);
    CHECK(op.parameters == 8 * 2048 * 768);
  }
  CHECK(products == 3);
}
