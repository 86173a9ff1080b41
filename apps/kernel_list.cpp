// What is measured of a core.
#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "apps/kernel_bench.hpp"
#include "models/operators.hpp"
#include "models/optimizer.hpp"

namespace apps {
namespace {

using models::KernelRates;
using models::Pass;
using studies::MeasuredKernel;
using Rate = sim::Bandwidth KernelRates::*;

constexpr int kHeads = 8;

MeasuredKernel product(std::int64_t m, std::int64_t n, std::int64_t k, Pass pass,
                       std::int64_t batch = 1) {
  MeasuredKernel kernel;
  kernel.m = m;
  kernel.n = n;
  kernel.k = k;
  kernel.batch = batch;
  kernel.pass = pass;
  return kernel;
}

// A multiple of 64 between the two, even on a logarithmic scale.
std::int64_t random_width(std::int64_t least, std::int64_t most, std::mt19937& random) {
  const double share = static_cast<double>(random()) / 4294967296.0;
  const double low = std::log(static_cast<double>(least));
  const double high = std::log(static_cast<double>(most));
  return std::llround(std::exp(low + share * (high - low)) / 64.0) * 64;
}

void add_products(std::vector<MeasuredKernel>& out, std::mt19937& random) {
  for (int i = 0; i < 24; ++i) {
    const std::int64_t tokens = random_width(64, 512, random);
    const std::int64_t in = random_width(128, 2048, random);
    const std::int64_t width = random_width(128, 2048, random);
    out.push_back(product(tokens, width, in, Pass::forward));
    out.push_back(product(tokens, in, width, Pass::backward_data));
    out.push_back(product(in, width, tokens, Pass::backward_weight));
  }
  for (const std::int64_t keys : {64, 128, 256}) {
    for (const std::int64_t head : {32, 64}) {
      out.push_back(product(keys, keys, head, Pass::backward_data, kHeads));    // scores
      out.push_back(product(keys, head, keys, Pass::forward, kHeads));          // values
      out.push_back(product(keys, head, keys, Pass::backward_weight, kHeads));  // their gradients
    }
  }
}

// Of `rows` x `width`, `batch` times, with the bytes that the model counts for it.
MeasuredKernel rated(Rate rate, std::int64_t rows, std::int64_t width, double bytes,
                     std::int64_t batch = 1) {
  MeasuredKernel kernel;
  kernel.gemm = false;
  kernel.rate = rate;
  kernel.m = rows;
  kernel.n = width;
  kernel.batch = batch;
  kernel.bytes = sim::Bytes::ceil(bytes);
  return kernel;
}

std::size_t index_of(Rate rate) {
  const auto& names = models::kNamedRates;
  std::size_t index = 0;
  while (index < names.size() && names[index].second != rate) ++index;
  return index;
}

// A layer of that width and a head, as models/ counts their bytes.
std::vector<models::Operator> operators_of(std::int64_t rows, std::int64_t hidden) {
  models::Transformer model;
  model.layers = 1;
  model.hidden = hidden;
  model.heads = model.kv_heads = kHeads;
  model.head_dim = hidden / kHeads;
  model.ffn = 4 * hidden;
  model.vocab = 4 * hidden;
  model.gated_mlp = false;
  model.norm = models::Norm::rmsnorm;
  model.position = models::Position::none;
  model.bias = false;
  models::Shard shard;
  shard.seq_len = rows;
  shard.precision = models::Precision::fp32;
  shard.attention = models::AttentionKernel::math;
  const models::KernelProfile kernels;
  std::vector<models::Operator> operators =
      models::layer_operators(model, models::LayerKind::dense, shard, kernels);
  for (models::Operator& op : models::head_operators(model, shard, kernels, 1)) {
    operators.push_back(op);
  }
  return operators;
}

void add_layer(std::vector<MeasuredKernel>& out, std::int64_t rows, std::int64_t hidden) {
  std::set<std::size_t> known;
  for (const models::Operator& op : operators_of(rows, hidden)) {
    for (const Pass pass : {Pass::forward, Pass::backward_data}) {
      const Rate rate = models::kernel_rate(op, pass);
      // Two norms and two residual additions; the gradient of the latter is part of a norm's.
      const bool again = rate == &KernelRates::residual && pass != Pass::forward;
      if (rate == nullptr || again || !known.insert(index_of(rate)).second) continue;
      const bool loss = rate == &KernelRates::cross_entropy;
      const double bytes =
          (pass == Pass::forward ? op.forward : op.backward_data).traffic.as_double() +
          (loss ? op.backward_data.traffic.as_double() : 0.0);
      const bool softmax = rate == &KernelRates::softmax || rate == &KernelRates::softmax_backward;
      const bool inner =
          rate == &KernelRates::activation || rate == &KernelRates::activation_backward || loss;
      const std::int64_t width = softmax ? rows : inner ? 4 * hidden : hidden;
      out.push_back(rated(rate, rows, width, bytes, softmax ? kHeads : 1));
    }
  }
}

void add_optimizer(std::vector<MeasuredKernel>& out, std::int64_t parameters) {
  models::OptimizerWork work;
  work.parameters = work.gradients = work.clipped = parameters;
  work.state_bytes = 8.0;
  work.parameter_bytes = 4.0;
  work.master_weights = false;
  const double bytes = models::optimizer_bytes(work, models::KernelProfile{});
  out.push_back(rated(&KernelRates::optimizer, parameters, 1, bytes));
}

// One of each sort, then the second of each, and so on.
void deal(std::vector<MeasuredKernel>& kernels) {
  std::map<std::tuple<bool, Pass, bool, std::size_t>, int> seen;
  std::vector<std::pair<int, MeasuredKernel>> order;
  for (const MeasuredKernel& kernel : kernels) {
    const std::size_t rate = index_of(kernel.rate);
    order.emplace_back(seen[{kernel.gemm, kernel.pass, kernel.batch > 1, rate}]++, kernel);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < order.size(); ++i) kernels[i] = order[i].second;
}

}  // namespace

std::vector<MeasuredKernel> kernels_to_measure() {
  std::mt19937 random(20260101);
  std::vector<MeasuredKernel> kernels;
  add_products(kernels, random);
  for (std::int64_t bytes = 192 << 10; bytes <= 96 << 20; bytes *= 2) {
    MeasuredKernel kernel;
    kernel.gemm = false;
    kernel.bytes = sim::Bytes{bytes};
    kernels.push_back(kernel);
  }
  for (const auto& [rows, hidden] : {std::pair{64, 256}, {128, 384}, {192, 512}, {256, 768}}) {
    add_layer(kernels, rows, hidden);
  }
  for (const std::int64_t parameters : {1 << 20, 2 << 20, 3 << 20, 5 << 20}) {
    add_optimizer(kernels, parameters);
  }
  // The same order for all who measure: no drift looks like a size.
  std::shuffle(kernels.begin(), kernels.end(), random);
  deal(kernels);
  return kernels;
}

}  // namespace apps
