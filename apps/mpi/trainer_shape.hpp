// What the small real trainer trains and how: a GPT-like decoder in fp32 (RMS norms, causal
// attention, GELU, no biases, no positions) under data, sharded, tensor and pipeline parallelism.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace apps::mpi {

struct TrainerShape {
  int layers = 4;
  int hidden = 512;
  int heads = 8;
  int ffn = 2048;
  int vocab = 2048;
  int seq_len = 128;
};

struct TrainerPlan {
  std::string name;
  int tp = 1, pp = 1, dp = 1, zero = 0;
  int micro_batch = 2;
  int global_batch = 8;
  std::int64_t bucket = std::int64_t{4} << 20;  // bytes of gradients that are reduced together

  bool spoiled = false;  // one gradient is wrong on purpose (calibrate verify --spoil)

  int world() const { return tp * pp * dp; }
  int micro_batches() const { return global_batch / (dp * micro_batch); }
};

// Where a rank stands: tp varies fastest, then dp, then pp.
struct TrainerPlace {
  int tp = 0, dp = 0, pp = 0;
};

// A matrix of a unit, or this rank's part of it: rows x columns from a larger one. A fused
// projection of several parts is split inside each.
struct Tensor {
  int id = 0;
  int rows = 1, columns = 1;  // whole
  int local_rows = 1, local_columns = 1;
  int parts = 1;
  int tp = 0;              // which share of the split dimension
  std::size_t offset = 0;  // in the unit's flat buffer
  bool gain = false;       // of a norm: starts as 1

  std::size_t size() const {
    return static_cast<std::size_t>(local_rows) * static_cast<std::size_t>(local_columns);
  }
  // The index in the whole matrix of a local element.
  std::size_t whole_index(std::size_t local) const;
};

enum class UnitKind : std::uint8_t { embedding, layer, head };

struct UnitLayout {
  UnitKind kind = UnitKind::layer;
  std::vector<Tensor> tensors;
  std::size_t size = 0;  // floats, padded so that it divides over the shards
};

// The units of a stage, in order. The ids of tensors are the same for every plan.
std::vector<UnitLayout> units_of(const TrainerShape& shape, const TrainerPlan& plan,
                                 const TrainerPlace& place);

// The value every rank starts from, whoever holds the element.
float initial_value(const Tensor& tensor, std::size_t whole_index);

// Synthetic text: token `position` of a sequence of a step.
int token_at(const TrainerShape& shape, int step, int sequence, int position);

}  // namespace apps::mpi
