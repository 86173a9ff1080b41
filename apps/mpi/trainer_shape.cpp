#include "apps/mpi/trainer_shape.hpp"

#include <cmath>

namespace apps::mpi {
namespace {

// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): the same values everywhere, without state.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

class Builder {
 public:
  Builder(UnitKind kind, const TrainerPlan& plan, const TrainerPlace& place, int first_id)
      : plan_(plan), place_(place), id_(first_id) {
    unit_.kind = kind;
  }

  void gain(int width) { add({.rows = 1, .columns = width, .gain = true}, 1, 1); }
  void by_columns(int rows, int columns, int parts = 1) {
    add({.rows = rows, .columns = columns, .parts = parts}, 1, plan_.tp);
  }
  void by_rows(int rows, int columns) { add({.rows = rows, .columns = columns}, plan_.tp, 1); }

  UnitLayout done() {
    const auto shards = static_cast<std::size_t>(plan_.dp);
    unit_.size = (unit_.size + shards - 1) / shards * shards;
    return std::move(unit_);
  }

 private:
  void add(Tensor tensor, int row_split, int column_split) {
    tensor.id = id_++;
    tensor.local_rows = tensor.rows / row_split;
    tensor.local_columns = tensor.columns / column_split;
    tensor.tp = row_split * column_split > 1 ? place_.tp : 0;
    tensor.offset = unit_.size;
    unit_.size += tensor.size();
    unit_.tensors.push_back(tensor);
  }

  const TrainerPlan& plan_;
  const TrainerPlace& place_;
  int id_;
  UnitLayout unit_;
};

constexpr int kIdsPerUnit = 8;

}  // namespace

std::size_t Tensor::whole_index(std::size_t local) const {
  const auto columns_here = static_cast<std::size_t>(local_columns);
  std::size_t row = local / columns_here, column = local % columns_here;
  if (local_rows < rows) row += static_cast<std::size_t>(tp) * static_cast<std::size_t>(local_rows);
  if (local_columns < columns) {
    const auto width = columns_here / static_cast<std::size_t>(parts);
    const auto whole = static_cast<std::size_t>(columns / parts);
    column = column / width * whole + static_cast<std::size_t>(tp) * width + column % width;
  }
  return row * static_cast<std::size_t>(columns) + column;
}

std::vector<UnitLayout> units_of(const TrainerShape& shape, const TrainerPlan& plan,
                                 const TrainerPlace& place) {
  std::vector<UnitLayout> units;
  const int h = shape.hidden;
  if (place.pp == 0) {
    Builder embedding(UnitKind::embedding, plan, place, 0);
    embedding.by_rows(shape.vocab, h);
    units.push_back(embedding.done());
  }
  const int layers = shape.layers / plan.pp;
  for (int layer = place.pp * layers; layer < (place.pp + 1) * layers; ++layer) {
    Builder unit(UnitKind::layer, plan, place, (layer + 1) * kIdsPerUnit);
    unit.gain(h);
    unit.by_columns(h, 3 * h, 3);
    unit.by_rows(h, h);
    unit.gain(h);
    unit.by_columns(h, shape.ffn);
    unit.by_rows(shape.ffn, h);
    units.push_back(unit.done());
  }
  if (place.pp == plan.pp - 1) {
    Builder head(UnitKind::head, plan, place, (shape.layers + 1) * kIdsPerUnit);
    head.gain(h);
    head.by_columns(h, shape.vocab);
    units.push_back(head.done());
  }
  return units;
}

float initial_value(const Tensor& tensor, std::size_t whole_index) {
  if (tensor.gain) return 1.0F;
  const std::uint64_t bits = mixed((static_cast<std::uint64_t>(tensor.id) << 40U) + whole_index);
  const double unit = static_cast<double>(bits >> 11U) * 0x1p-53;
  return static_cast<float>((2.0 * unit - 1.0) / std::sqrt(static_cast<double>(tensor.rows)));
}

int token_at(const TrainerShape& shape, int step, int sequence, int position) {
  // Half of the tokens follow from the one before, so that there is something to learn.
  std::uint64_t key = (static_cast<std::uint64_t>(step) << 42U) +
                      (static_cast<std::uint64_t>(sequence) << 21U) +
                      static_cast<std::uint64_t>(position / 2);
  const std::uint64_t base = mixed(key) % static_cast<std::uint64_t>(shape.vocab);
  const std::uint64_t shift = static_cast<std::uint64_t>(position % 2) * 7U;
  return static_cast<int>((base + shift) % static_cast<std::uint64_t>(shape.vocab));
}

}  // namespace apps::mpi
