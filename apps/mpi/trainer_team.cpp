#include "apps/mpi/trainer_team.hpp"

namespace apps::mpi {

TrainerTeam::TrainerTeam(MPI_Comm all, const TrainerPlan& plan) : tp_(plan.tp) {
  int rank = 0;
  MPI_Comm_rank(all, &rank);
  const bool inside = rank < plan.world();
  MPI_Comm_split(all, inside ? 0 : MPI_UNDEFINED, rank, &world_);
  if (!inside) return;
  place_.tp = rank % plan.tp;
  place_.dp = rank / plan.tp % plan.dp;
  place_.pp = rank / (plan.tp * plan.dp);
  MPI_Comm_split(world_, rank / plan.tp, rank, &tensor_);
  MPI_Comm_split(world_, place_.pp * plan.tp + place_.tp, rank, &data_);
  MPI_Comm_split(world_, rank % (plan.tp * plan.dp), rank, &pipeline_);
}

TrainerTeam::~TrainerTeam() {
  for (MPI_Comm* comm : {&tensor_, &data_, &pipeline_, &world_}) {
    if (*comm != MPI_COMM_NULL) MPI_Comm_free(comm);
  }
}

void TrainerTeam::sum_tensor(float* values, std::size_t size) const {
  if (tp_ == 1) return;
  MPI_Allreduce(MPI_IN_PLACE, values, static_cast<int>(size), MPI_FLOAT, MPI_SUM, tensor_);
}

void TrainerTeam::maximum_tensor(float* values, std::size_t size) const {
  if (tp_ == 1) return;
  MPI_Allreduce(MPI_IN_PLACE, values, static_cast<int>(size), MPI_FLOAT, MPI_MAX, tensor_);
}

double TrainerTeam::sum_world(double value) const {
  MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_SUM, world_);
  return value;
}

void TrainerTeam::send(int stage, const float* values, std::size_t size,
                       MPI_Request& request) const {
  MPI_Isend(values, static_cast<int>(size), MPI_FLOAT, stage, 0, pipeline_, &request);
}

void TrainerTeam::receive(int stage, float* values, std::size_t size) const {
  MPI_Recv(values, static_cast<int>(size), MPI_FLOAT, stage, 0, pipeline_, MPI_STATUS_IGNORE);
}

void TrainerTeam::progress() const {
  int found = 0;
  MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, world_, &found, MPI_STATUS_IGNORE);
}

}  // namespace apps::mpi
