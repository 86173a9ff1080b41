// Forward and backward of the units of the model, on one rank of a tensor-parallel group.
#pragma once

#include <vector>

#include "apps/blas.hpp"
#include "apps/mpi/operator_clock.hpp"
#include "apps/mpi/trainer_pool.hpp"
#include "apps/mpi/trainer_shape.hpp"
#include "apps/mpi/trainer_team.hpp"

namespace apps::mpi {

// What backward needs of a unit's forward.
struct Saved {
  Buffer input, norm1, inverse1, qkv, probabilities, context;  // attention
  Buffer middle, norm2, inverse2, inner, activated;            // feed-forward
  std::vector<int> tokens;                                     // embedding, head: targets
};

class TrainerCompute {
 public:
  TrainerCompute(const TrainerShape& shape, const TrainerPlan& plan, const TrainerTeam& team,
                 const Blas& blas, Pool& pool, const OperatorClock& clock)
      : shape_(shape), plan_(plan), team_(team), blas_(blas), pool_(pool), clock_(clock) {}

  // `weights` and `gradients` are the unit's flat buffers; gradients are added to.
  Buffer embed(const UnitLayout& unit, const float* weights, std::vector<int> tokens, Saved& saved);
  void embed_backward(const UnitLayout& unit, const Saved& saved, const Buffer& dy,
                      float* gradients);

  Buffer layer(const UnitLayout& unit, const float* weights, Buffer x, Saved& saved);
  Buffer layer_backward(const UnitLayout& unit, const float* weights, Saved& saved, Buffer dy,
                        float* gradients);

  // Sum of the tokens' losses times `scale`; keeps the logits' gradient.
  double head(const UnitLayout& unit, const float* weights, Buffer x, std::vector<int> targets,
              float scale, Saved& saved);
  Buffer head_backward(const UnitLayout& unit, const float* weights, Saved& saved,
                       float* gradients);

  int tokens() const { return plan_.micro_batch * shape_.seq_len; }
  std::size_t hidden_size() const { return size(tokens(), shape_.hidden); }

 private:
  static std::size_t size(int rows, int columns) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  }
  Buffer matrix(int rows, int columns) { return {pool_, size(rows, columns)}; }
  void multiply(Op op, Part part, int m, int n, int k, const float* a, const float* b, float* c);
  void sum_tensor(Buffer& values);
  void attention(Saved& saved);
  Buffer attention_backward(const Saved& saved, const Buffer& dcontext);
  double cross_entropy(float* logits, const std::vector<int>& targets, float scale);

  const TrainerShape& shape_;
  const TrainerPlan& plan_;
  const TrainerTeam& team_;
  const Blas& blas_;
  Pool& pool_;
  const OperatorClock& clock_;
};

}  // namespace apps::mpi
