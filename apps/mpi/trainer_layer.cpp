#include "apps/mpi/trainer_layer.hpp"

#include <algorithm>
#include <cmath>

#include "apps/cpu_kernels.hpp"

namespace apps::mpi {

// c = a b; backward c = a b^T of the output's gradient and the weights, or c += a^T b of the input
// and the output's gradient. After each product MPI gets a chance: that is when messages in the
// background move.
void TrainerCompute::multiply(Op op, Part part, int m, int n, int k, const float* a, const float* b,
                              float* c) {
  const bool weights = part == Part::backward_weight;
  clock_.time(op, part, [&] {
    blas_.multiply(weights, part == Part::backward_data, m, n, k, a, b, weights ? 1.0F : 0.0F, c);
  });
  clock_.time(Op::collectives, Part::other, [&] { team_.progress(); });
}

void TrainerCompute::sum_tensor(Buffer& values) {
  clock_.time(Op::collectives, Part::other,
              [&] { team_.sum_tensor(values.data(), values.size()); });
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
  sum_tensor(out);
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
      clock_.time(Op::scores, Part::forward,
                  [&] { blas_.multiply(false, true, s, s, d, q, ld, q + w, ld, 0.0F, p, s); });
      clock_.time(Op::softmax, Part::forward, [&] { kernels::causal_softmax(p, scale, s); });
      clock_.time(Op::values, Part::forward,
                  [&] { blas_.multiply(false, false, s, d, s, p, s, q + 2 * w, ld, 0.0F, o, w); });
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
      clock_.time(Op::values, Part::backward_data, [&] {
        blas_.multiply(false, true, s, s, d, dout, w, q + 2 * w, ld, 0.0F, dp.data(), s);
      });
      clock_.time(Op::value_gradient, Part::backward_data, [&] {
        blas_.multiply(true, false, s, d, s, p, s, dout, w, 0.0F, dq + 2 * w, ld);
      });
      clock_.time(Op::softmax, Part::backward_data,
                  [&] { kernels::causal_softmax_backward(p, dp.data(), scale, s); });
      clock_.time(Op::scores, Part::backward_data, [&] {
        blas_.multiply(false, false, s, d, s, dp.data(), s, q + w, ld, 0.0F, dq, ld);
        blas_.multiply(true, false, s, d, s, dp.data(), s, q, ld, 0.0F, dq + w, ld);
      });
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
  clock_.time(Op::attention_norm, Part::forward, [&] {
    kernels::norm(saved.input.data(), at(0), saved.norm1.data(), saved.inverse1.data(), t, h);
  });
  saved.qkv = matrix(t, 3 * w);
  multiply(Op::qkv, Part::forward, t, 3 * w, h, saved.norm1.data(), at(1), saved.qkv.data());
  attention(saved);
  saved.middle = matrix(t, h);
  multiply(Op::attention_out, Part::forward, t, h, w, saved.context.data(), at(2),
           saved.middle.data());
  sum_tensor(saved.middle);
  clock_.time(Op::attention_residual, Part::forward, [&] {
    kernels::add(saved.middle.data(), saved.input.data(), saved.middle.data(), saved.middle.size());
  });
  saved.norm2 = matrix(t, h);
  saved.inverse2 = matrix(t, 1);
  clock_.time(Op::mlp_norm, Part::forward, [&] {
    kernels::norm(saved.middle.data(), at(3), saved.norm2.data(), saved.inverse2.data(), t, h);
  });
  saved.inner = matrix(t, f);
  multiply(Op::mlp_in, Part::forward, t, f, h, saved.norm2.data(), at(4), saved.inner.data());
  saved.activated = matrix(t, f);
  clock_.time(Op::gelu, Part::forward, [&] {
    kernels::gelu(saved.inner.data(), saved.activated.data(), saved.inner.size());
  });
  Buffer out = matrix(t, h);
  multiply(Op::mlp_out, Part::forward, t, h, f, saved.activated.data(), at(5), out.data());
  sum_tensor(out);
  clock_.time(Op::mlp_residual, Part::forward,
              [&] { kernels::add(out.data(), saved.middle.data(), out.data(), out.size()); });
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
    multiply(Op::mlp_out, Part::backward_data, t, f, h, dy.data(), at(5), dinner.data());
    multiply(Op::mlp_out, Part::backward_weight, f, h, t, saved.activated.data(), dy.data(),
             grad(5));
    saved.activated.reset();
    clock_.time(Op::gelu, Part::backward_data,
                [&] { kernels::gelu_backward(saved.inner.data(), dinner.data(), dinner.size()); });
    saved.inner.reset();
    multiply(Op::mlp_in, Part::backward_data, t, h, f, dinner.data(), at(4), dnorm.data());
    sum_tensor(dnorm);
    multiply(Op::mlp_in, Part::backward_weight, h, f, t, saved.norm2.data(), dinner.data(),
             grad(4));
  }
  clock_.time(Op::mlp_norm, Part::backward_data, [&] {
    kernels::norm_backward(dnorm.data(), saved.middle.data(), at(3), saved.inverse2.data(),
                           dy.data(), grad(3), t, h);
  });
  {
    Buffer dcontext = matrix(t, w);
    multiply(Op::attention_out, Part::backward_data, t, w, h, dy.data(), at(2), dcontext.data());
    multiply(Op::attention_out, Part::backward_weight, w, h, t, saved.context.data(), dy.data(),
             grad(2));
    const Buffer dqkv = attention_backward(saved, dcontext);
    multiply(Op::qkv, Part::backward_data, t, h, 3 * w, dqkv.data(), at(1), dnorm.data());
    sum_tensor(dnorm);
    multiply(Op::qkv, Part::backward_weight, h, 3 * w, t, saved.norm1.data(), dqkv.data(), grad(1));
  }
  clock_.time(Op::attention_norm, Part::backward_data, [&] {
    kernels::norm_backward(dnorm.data(), saved.input.data(), at(0), saved.inverse1.data(),
                           dy.data(), grad(0), t, h);
  });
  saved = Saved{};
  return dy;
}

// Vocabulary-parallel: maximum, target's logit and sum of exponentials over the group (Megatron-LM,
// arXiv 1909.08053). Logits become their gradient.
double TrainerCompute::cross_entropy(float* logits, const std::vector<int>& targets, float scale) {
  const int v = shape_.vocab / plan_.tp, first = team_.place().tp * v;
  const std::size_t rows = targets.size();
  std::vector<float> maximum(rows), target(rows, 0.0F), sum(rows);
  const auto per_row = [&](const auto& work) {
    clock_.time(Op::cross_entropy, Part::forward, [&] {
      for (std::size_t t = 0; t < rows; ++t) {
        work(t, logits + t * static_cast<std::size_t>(v), targets[t] - first);
      }
    });
  };
  per_row([&](std::size_t t, float* row, int) { maximum[t] = kernels::row_maximum(row, v); });
  team_.maximum_tensor(maximum.data(), rows);
  per_row([&](std::size_t t, float* row, int column) {
    if (column >= 0 && column < v) target[t] = row[column] - maximum[t];
    sum[t] = kernels::exponentials(row, maximum[t], v);
  });
  team_.sum_tensor(target.data(), rows);
  team_.sum_tensor(sum.data(), rows);
  double loss = 0.0;
  per_row([&](std::size_t t, float* row, int column) {
    const float factor = scale / sum[t];
    for (int i = 0; i < v; ++i) row[i] *= factor;
    if (column >= 0 && column < v) row[column] -= scale;
    loss += static_cast<double>(std::log(sum[t]) - target[t]);
  });
  return loss * static_cast<double>(scale);
}

double TrainerCompute::head(const UnitLayout& unit, const float* weights, Buffer x,
                            std::vector<int> targets, float scale, Saved& saved) {
  const int t = tokens(), h = shape_.hidden, v = shape_.vocab / plan_.tp;
  saved.input = std::move(x);
  saved.norm1 = matrix(t, h);
  saved.inverse1 = matrix(t, 1);
  clock_.time(Op::final_norm, Part::forward, [&] {
    kernels::norm(saved.input.data(), weights + unit.tensors[0].offset, saved.norm1.data(),
                  saved.inverse1.data(), t, h);
  });
  saved.inner = matrix(t, v);
  multiply(Op::head, Part::forward, t, v, h, saved.norm1.data(), weights + unit.tensors[1].offset,
           saved.inner.data());
  return cross_entropy(saved.inner.data(), targets, scale);
}

Buffer TrainerCompute::head_backward(const UnitLayout& unit, const float* weights, Saved& saved,
                                     float* gradients) {
  const int t = tokens(), h = shape_.hidden, v = shape_.vocab / plan_.tp;
  const Tensor& gain = unit.tensors[0];
  const Tensor& matrix_ = unit.tensors[1];
  Buffer dnorm = matrix(t, h);
  multiply(Op::head, Part::backward_data, t, h, v, saved.inner.data(), weights + matrix_.offset,
           dnorm.data());
  sum_tensor(dnorm);
  multiply(Op::head, Part::backward_weight, h, v, t, saved.norm1.data(), saved.inner.data(),
           gradients + matrix_.offset);
  Buffer dx = matrix(t, h);
  clock_.time(Op::final_norm, Part::backward_data, [&] {
    dx.clear();
    kernels::norm_backward(dnorm.data(), saved.input.data(), weights + gain.offset,
                           saved.inverse1.data(), dx.data(), gradients + gain.offset, t, h);
  });
  saved = Saved{};
  return dx;
}

}  // namespace apps::mpi
