// Parameters, gradients and optimizer states of a rank: replicated, or sharded over the
// data-parallel group as ZeRO-1, 2 and 3 do (arXiv 1910.02054), with the communication that needs.
#pragma once

#include <mpi.h>

#include <functional>
#include <vector>

#include "apps/mpi/trainer_pool.hpp"
#include "apps/mpi/trainer_shape.hpp"
#include "apps/mpi/trainer_team.hpp"

namespace apps::mpi {

class TrainerStates {
 public:
  TrainerStates(const TrainerShape& shape, const TrainerPlan& plan, const TrainerTeam& team,
                Pool& pool);

  const std::vector<UnitLayout>& units() const { return units_; }

  void clear_gradients();
  // The unit's parameters; ZeRO-3 gathers them, and begins to gather those of `next` (any number
  // out of range: nothing comes after).
  const float* gather(std::size_t unit, std::size_t next);
  void release(std::size_t unit);
  float* gradients(std::size_t unit);
  // All of the step's gradients of the unit are there: reduces them, in buckets, while others are
  // computed.
  void gradients_done(std::size_t unit);
  // Waits for all reductions.
  void finish_gradients();
  // Their sums become averages over the replicas.
  void average_gradients();
  // What this rank adds to the square of the gradients' norm, which is the sum over all ranks.
  double square_share() const;
  // Clipping by that norm, AdamW.
  void update(int step, double norm);
  // Afterwards every rank has the new parameters it needs.
  void exchange_parameters();

  // Called with a tensor, an index in its local part, and the averaged gradient there.
  using Visit = std::function<void(const Tensor&, std::size_t, float)>;
  // Visits what this rank holds.
  void each_gradient(const Visit& visit) const;
  // Makes the gradients of the last units 1 % too large: a fault that the check must find.
  void spoil_gradient();

 private:
  struct Range {  // floats of the stage, units one after the other
    std::size_t begin = 0, end = 0;
    std::size_t size() const { return end - begin; }
  };
  // What this rank updates of a range: all of it, or its share.
  struct Piece {
    Range range;            // whole range that is reduced together
    std::size_t first = 0;  // of the share in the stage
    std::size_t size = 0;
    Buffer gradient;        // reduced share (ZeRO-2 and 3)
    Buffer parameter;       // own share (ZeRO-3)
    Buffer moments;         // first and second
    Buffer whole_gradient;  // before it is reduced (ZeRO-2 and 3)
    MPI_Request reduction = MPI_REQUEST_NULL;
  };

  void each_gradient_of(std::size_t unit, const Tensor& tensor, const Visit& visit) const;
  bool sharded() const { return plan_.zero > 0; }
  void make_pieces();
  void fill_parameters();
  std::size_t piece_of(std::size_t unit) const { return piece_of_unit_[unit]; }
  void reduce(Piece& piece);
  void start_gather(std::size_t unit);
  float* parameters_of(Piece& piece);
  const float* gradients_of(const Piece& piece) const;
  double square_sum(const Piece& piece) const;
  double repeated_squares() const;

  const TrainerPlan& plan_;
  const TrainerTeam& team_;
  Pool& pool_;
  std::vector<UnitLayout> units_;
  std::vector<std::size_t> offset_;  // of each unit in the stage, and the end
  std::vector<std::size_t> piece_of_unit_;
  std::vector<Piece> pieces_;      // in order of the units
  Buffer parameters_, gradients_;  // whole stage, where they are not sharded
  struct Gathered {
    Buffer values;
    MPI_Request request = MPI_REQUEST_NULL;
  };
  std::vector<Gathered> gathered_;  // ZeRO-3, per unit
};

}  // namespace apps::mpi
