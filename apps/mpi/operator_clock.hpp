// Where a training step's time goes on this rank: seconds by operator and pass.
#pragma once

#include <array>
#include <cstdint>

#include "apps/kernel_bench.hpp"

namespace apps::mpi {

// The model's operators (models/operators.hpp) and what a step does beside them.
enum class Op : std::uint8_t {
  embedding,
  attention_norm,
  qkv,
  scores,
  softmax,
  values,
  value_gradient,
  attention_out,
  attention_residual,
  mlp_norm,
  mlp_in,
  gelu,
  mlp_out,
  mlp_residual,
  final_norm,
  head,
  cross_entropy,
  optimizer,    // gradients cleared and averaged, norm, clipping, update
  collectives,  // in and waiting for them
  stages,       // waiting for the neighbouring stages
};
inline constexpr std::array kOpNames{"embedding",      "attention_norm", "qkv",
                                     "scores",         "softmax",        "values",
                                     "value_gradient", "attention_out",  "attention_residual",
                                     "mlp_norm",       "mlp_in",         "gelu",
                                     "mlp_out",        "mlp_residual",   "final_norm",
                                     "head",           "cross_entropy",  "optimizer",
                                     "collectives",    "stages"};
static_assert(kOpNames.size() == static_cast<std::size_t>(Op::stages) + 1);

enum class Part : std::uint8_t { forward, backward_data, backward_weight, other };
inline constexpr std::size_t kParts = 4;

using OperatorSeconds = std::array<double, kOpNames.size() * kParts>;

constexpr std::size_t slot(Op op, Part part) {
  return static_cast<std::size_t>(op) * kParts + static_cast<std::size_t>(part);
}

class OperatorClock {
 public:
  // Runs `work`, counts its seconds, and returns what it returns.
  template <class Work>
  auto time(Op op, Part part, const Work& work) const {
    const Stop stop{seconds_[slot(op, part)], now_seconds()};
    return work();
  }
  void clear() { seconds_ = {}; }
  const OperatorSeconds& seconds() const { return seconds_; }

 private:
  struct Stop {
    double& sum;
    double begin;
    ~Stop() { sum += now_seconds() - begin; }
  };
  mutable OperatorSeconds seconds_{};
};

}  // namespace apps::mpi
