#include "apps/mpi/trainer_layer.hpp"

#include <algorithm>
#include <cmath>

#include "apps/mpi/trainer_kernels.hpp"

namespace apps::mpi {

// After each product MPI gets a chance: that is when messages in the background move.
void TrainerCompute::multiply(bool ta, bool tb, int m, int n, int k, const float* a, const float* b,
                              float beta, float* c) {
  blas_.multiply(ta, tb, m, n, k, a, b, beta, c);
  team_.progress();
}

Buffer TrainerCompute::embed(const UnitLayout& unit, const float* weights, std::vector<int> tokens,
                             Saved& saved) {
  const Tensor& table = unit.tensors[0];
  Buffer out = matrix(this->tokens(), shape_.hidden);
  const auto width = static_cast<std::size_t>(shape_.hidden);
  const int first = table.tp * table.local_rows;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const int row = tokens[t] - first;
    float* to = out.data() + t * width;
    if (row < 0 || row >= table.local_rows) {
      std::fill_n(to, width, 0.0F);
    } else {
      std::copy_n(weights + static_cast<std::size_t>(row) * width, width, to);
    }
  }
  team_.sum_tensor(out.data(), out.size());
  saved.tokens = std::move(tokens);
  return out;
}

void TrainerCompute::embed_backward(const UnitLayout& unit, const Saved& saved, const Buffer& dy,
                                    float* gradients) {
  const Tensor& table = unit.tensors[0];
  const auto width = static_cast<std::size_t>(shape_.hidden);
  const int first = table.tp * table.local_rows;
  for (std::size_t t = 0; t < saved.tokens.size(); ++t) {
    const int row = saved.tokens[t] - first;
    if (row < 0 || row >= table.local_rows) continue;
    float* to = gradients + static_cast<std::size_t>(row) * width;
    kernels::add(to, dy.data() + t * width, to, width);
  }
}

void TrainerCompute::attention(Saved& saved) {
  const int s = shape_.seq_len, heads = shape_.heads / plan_.tp, d = shape_.hidden / shape_.heads;
  const int w = heads * d, ld = 3 * w;
  const float scale = 1.0F / std::sqrt(static_cast<float>(d));
  saved.probabilities = Buffer(pool_, size(plan_.micro_batch * heads * s, s));
  saved.context = matrix(tokens(), w);
  for (int b = 0; b < plan_.micro_batch; ++b) {
    for (int j = 0; j < heads; ++j) {
      const float* q = saved.qkv.data() + size(b * s, ld) + j * d;
      float* p = saved.probabilities.data() + size((b * heads + j) * s, s);
      float* o = saved.context.data() + size(b * s, w) + j * d;
      blas_.multiply(false, true, s, s, d, q, ld, q + w, ld, 0.0F, p, s);
      kernels::causal_softmax(p, scale, s);
      blas_.multiply(false, false, s, d, s, p, s, q + 2 * w, ld, 0.0F, o, w);
    }
  }
  team_.progress();
}

Buffer TrainerCompute::attention_backward(const Saved& saved, const Buffer& dcontext) {
  const int s = shape_.seq_len, heads = shape_.heads / plan_.tp, d = shape_.hidden / shape_.heads;
  const int w = heads * d, ld = 3 * w;
  const float scale = 1.0F / std::sqrt(static_cast<float>(d));
  Buffer dqkv = matrix(tokens(), ld);
  Buffer dp = matrix(s, s);
  for (int b = 0; b < plan_.micro_batch; ++b) {
    for (int j = 0; j < heads; ++j) {
      const float* q = saved.qkv.data() + size(b * s, ld) + j * d;
      float* dq = dqkv.data() + size(b * s, ld) + j * d;
      const float* p = saved.probabilities.data() + size((b * heads + j) * s, s);
      const float* dout = dcontext.data() + size(b * s, w) + j * d;
      blas_.multiply(false, true, s, s, d, dout, w, q + 2 * w, ld, 0.0F, dp.data(), s);
      blas_.multiply(true, false, s, d, s, p, s, dout, w, 0.0F, dq + 2 * w, ld);
      kernels::causal_softmax_backward(p, dp.data(), scale, s);
      blas_.multiply(false, false, s, d, s, dp.data(), s, q + w, ld, 0.0F, dq, ld);
      blas_.multiply(true, false, s, d, s, dp.data(), s, q, ld, 0.0F, dq + w, ld);
    }
  }
  team_.progress();
  return dqkv;
}

// Tensors of a layer, in order: gain, query-key-value, output, gain, up, down.
Buffer TrainerCompute::layer(const UnitLayout& unit, const float* weights, Buffer x, Saved& saved) {
  const auto at = [&](std::size_t i) { return weights + unit.tensors[i].offset; };
  const int t = tokens(), h = shape_.hidden, w = h / plan_.tp, f = shape_.ffn / plan_.tp;
  saved.input = std::move(x);
  saved.norm1 = matrix(t, h);
  saved.inverse1 = matrix(t, 1);
  kernels::norm(saved.input.data(), at(0), saved.norm1.data(), saved.inverse1.data(), t, h);
  saved.qkv = matrix(t, 3 * w);
  multiply(false, false, t, 3 * w, h, saved.norm1.data(), at(1), 0.0F, saved.qkv.data());
  attention(saved);
  saved.middle = matrix(t, h);
  multiply(false, false, t, h, w, saved.context.data(), at(2), 0.0F, saved.middle.data());
  team_.sum_tensor(saved.middle.data(), saved.middle.size());
  kernels::add(saved.middle.data(), saved.input.data(), saved.middle.data(), saved.middle.size());
  saved.norm2 = matrix(t, h);
  saved.inverse2 = matrix(t, 1);
  kernels::norm(saved.middle.data(), at(3), saved.norm2.data(), saved.inverse2.data(), t, h);
  saved.inner = matrix(t, f);
  multiply(false, false, t, f, h, saved.norm2.data(), at(4), 0.0F, saved.inner.data());
  saved.activated = matrix(t, f);
  kernels::gelu(saved.inner.data(), saved.activated.data(), saved.inner.size());
  Buffer out = matrix(t, h);
  multiply(false, false, t, h, f, saved.activated.data(), at(5), 0.0F, out.data());
  team_.sum_tensor(out.data(), out.size());
  kernels::add(out.data(), saved.middle.data(), out.data(), out.size());
  return out;
}

Buffer TrainerCompute::layer_backward(const UnitLayout& unit, const float* weights, Saved& saved,
                                      Buffer dy, float* gradients) {
  const auto at = [&](std::size_t i) { return weights + unit.tensors[i].offset; };
  const auto grad = [&](std::size_t i) { return gradients + unit.tensors[i].offset; };
  const int t = tokens(), h = shape_.hidden, w = h / plan_.tp, f = shape_.ffn / plan_.tp;
  Buffer dnorm = matrix(t, h);
  {
    Buffer dinner = matrix(t, f);
    multiply(false, true, t, f, h, dy.data(), at(5), 0.0F, dinner.data());
    multiply(true, false, f, h, t, saved.activated.data(), dy.data(), 1.0F, grad(5));
    saved.activated.reset();
    kernels::gelu_backward(saved.inner.data(), dinner.data(), dinner.size());
    saved.inner.reset();
    multiply(false, true, t, h, f, dinner.data(), at(4), 0.0F, dnorm.data());
    team_.sum_tensor(dnorm.data(), dnorm.size());
    multiply(true, false, h, f, t, saved.norm2.data(), dinner.data(), 1.0F, grad(4));
  }
  kernels::norm_backward(dnorm.data(), saved.middle.data(), at(3), saved.inverse2.data(), dy.data(),
                         grad(3), t, h);
  {
    Buffer dcontext = matrix(t, w);
    multiply(false, true, t, w, h, dy.data(), at(2), 0.0F, dcontext.data());
    multiply(true, false, w, h, t, saved.context.data(), dy.data(), 1.0F, grad(2));
    const Buffer dqkv = attention_backward(saved, dcontext);
    multiply(false, true, t, h, 3 * w, dqkv.data(), at(1), 0.0F, dnorm.data());
    team_.sum_tensor(dnorm.data(), dnorm.size());
    multiply(true, false, h, 3 * w, t, saved.norm1.data(), dqkv.data(), 1.0F, grad(1));
  }
  kernels::norm_backward(dnorm.data(), saved.input.data(), at(0), saved.inverse1.data(), dy.data(),
                         grad(0), t, h);
  saved = Saved{};
  return dy;
}

// Vocabulary-parallel: maximum, target's logit and sum of exponentials over the group (Megatron-LM,
// arXiv 1909.08053). Logits become their gradient.
double TrainerCompute::cross_entropy(float* logits, const std::vector<int>& targets, float scale) {
  const int v = shape_.vocab / plan_.tp, first = team_.place().tp * v;
  const std::size_t rows = targets.size();
  std::vector<float> maximum(rows), target(rows, 0.0F), sum(rows);
  for (std::size_t t = 0; t < rows; ++t) {
    maximum[t] = kernels::row_maximum(logits + t * static_cast<std::size_t>(v), v);
  }
  team_.maximum_tensor(maximum.data(), rows);
  for (std::size_t t = 0; t < rows; ++t) {
    float* row = logits + t * static_cast<std::size_t>(v);
    const int column = targets[t] - first;
    if (column >= 0 && column < v) target[t] = row[column] - maximum[t];
    sum[t] = kernels::exponentials(row, maximum[t], v);
  }
  team_.sum_tensor(target.data(), rows);
  team_.sum_tensor(sum.data(), rows);
  double loss = 0.0;
  for (std::size_t t = 0; t < rows; ++t) {
    float* row = logits + t * static_cast<std::size_t>(v);
    const float factor = scale / sum[t];
    for (int i = 0; i < v; ++i) row[i] *= factor;
    const int column = targets[t] - first;
    if (column >= 0 && column < v) row[column] -= scale;
    loss += static_cast<double>(std::log(sum[t]) - target[t]);
  }
  return loss * static_cast<double>(scale);
}

double TrainerCompute::head(const UnitLayout& unit, const float* weights, Buffer x,
                            std::vector<int> targets, float scale, Saved& saved) {
  const int t = tokens(), h = shape_.hidden, v = shape_.vocab / plan_.tp;
  saved.input = std::move(x);
  saved.norm1 = matrix(t, h);
  saved.inverse1 = matrix(t, 1);
  kernels::norm(saved.input.data(), weights + unit.tensors[0].offset, saved.norm1.data(),
                saved.inverse1.data(), t, h);
  saved.inner = matrix(t, v);
  multiply(false, false, t, v, h, saved.norm1.data(), weights + unit.tensors[1].offset, 0.0F,
           saved.inner.data());
  return cross_entropy(saved.inner.data(), targets, scale);
}

Buffer TrainerCompute::head_backward(const UnitLayout& unit, const float* weights, Saved& saved,
                                     float* gradients) {
  const int t = tokens(), h = shape_.hidden, v = shape_.vocab / plan_.tp;
  const Tensor& gain = unit.tensors[0];
  const Tensor& matrix_ = unit.tensors[1];
  Buffer dnorm = matrix(t, h);
  multiply(false, true, t, h, v, saved.inner.data(), weights + matrix_.offset, 0.0F, dnorm.data());
  team_.sum_tensor(dnorm.data(), dnorm.size());
  multiply(true, false, h, v, t, saved.norm1.data(), saved.inner.data(), 1.0F,
           gradients + matrix_.offset);
  Buffer dx = matrix(t, h);
  dx.clear();
  kernels::norm_backward(dnorm.data(), saved.input.data(), weights + gain.offset,
                         saved.inverse1.data(), dx.data(), gradients + gain.offset, t, h);
  saved = Saved{};
  return dx;
}

}  // namespace apps::mpi
