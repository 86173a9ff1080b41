// A small real trainer: forward, backward and optimizer of a decoder on this rank, with the
// communication its plan needs.
#pragma once

#include <deque>
#include <vector>

#include "apps/mpi/trainer_layer.hpp"
#include "apps/mpi/trainer_states.hpp"

namespace apps::mpi {

class Trainer {
 public:
  Trainer(const TrainerShape& shape, const TrainerPlan& plan, const TrainerTeam& team,
          const Blas& blas);

  // One training step: the mean loss over the global batch, the same on every rank.
  double step();
  // Up to the averaged gradients, without the update.
  double gradients();
  void update();

  const TrainerStates& states() const { return states_; }
  OperatorClock& clock() { return clock_; }
  std::size_t peak_bytes() const { return pool_.peak_bytes(); }

 private:
  struct Flight {              // a micro-batch between forward and backward
    std::vector<Saved> saved;  // per unit
    Buffer output;             // sent to the next stage
    MPI_Request sending = MPI_REQUEST_NULL;
  };

  void forward(int micro_batch);
  void backward(int micro_batch);
  std::vector<int> tokens(int micro_batch, int shift) const;
  bool first() const { return team_.place().pp == 0; }
  bool last() const { return team_.place().pp == plan_.pp - 1; }

  TrainerShape shape_;
  TrainerPlan plan_;
  const TrainerTeam& team_;
  OperatorClock clock_;
  Pool pool_;
  TrainerStates states_;
  TrainerCompute compute_;
  std::deque<Flight> flights_;
  Buffer sent_gradient_;
  MPI_Request sending_gradient_ = MPI_REQUEST_NULL;
  double loss_ = 0.0;
  int steps_ = 0;
};

}  // namespace apps::mpi
