// The ranks that train together and the groups among them.
#pragma once

#include <mpi.h>

#include <cstddef>

#include "apps/mpi/trainer_shape.hpp"

namespace apps::mpi {

class TrainerTeam {
 public:
  // The first plan.world() ranks of `all` train; every rank of `all` has to call this.
  TrainerTeam(MPI_Comm all, const TrainerPlan& plan);
  TrainerTeam(const TrainerTeam&) = delete;
  TrainerTeam& operator=(const TrainerTeam&) = delete;
  ~TrainerTeam();

  bool takes_part() const { return world_ != MPI_COMM_NULL; }
  const TrainerPlace& place() const { return place_; }
  MPI_Comm world() const { return world_; }
  MPI_Comm data() const { return data_; }

  // Sum over the tensor-parallel group, in place; nothing where there is only one rank.
  void sum_tensor(float* values, std::size_t size) const;
  void maximum_tensor(float* values, std::size_t size) const;
  // Sum over all ranks.
  double sum_world(double value) const;

  // To and from the neighbouring stages.
  void send(int stage, const float* values, std::size_t size, MPI_Request& request) const;
  void receive(int stage, float* values, std::size_t size) const;

  // Lets MPI move what is on its way.
  void progress() const;

 private:
  int tp_ = 1;
  TrainerPlace place_;
  MPI_Comm world_ = MPI_COMM_NULL, tensor_ = MPI_COMM_NULL, data_ = MPI_COMM_NULL,
           pipeline_ = MPI_COMM_NULL;
};

}  // namespace apps::mpi
