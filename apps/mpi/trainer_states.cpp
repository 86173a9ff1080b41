#include "apps/mpi/trainer_states.hpp"

#include <algorithm>
#include <cmath>

#include "apps/cpu_kernels.hpp"

namespace apps::mpi {

TrainerStates::TrainerStates(const TrainerShape& shape, const TrainerPlan& plan,
                             const TrainerTeam& team, Pool& pool)
    : plan_(plan), team_(team), pool_(pool), units_(units_of(shape, plan, team.place())) {
  offset_.push_back(0);
  for (const UnitLayout& unit : units_) offset_.push_back(offset_.back() + unit.size);
  if (plan.zero < 3) parameters_ = Buffer(pool, offset_.back());
  if (plan.zero < 2) gradients_ = Buffer(pool, offset_.back());
  gathered_.resize(units_.size());
  make_pieces();
  fill_parameters();
}

// Buckets of units whose gradients are reduced together: from the last unit on, until they are
// large enough. ZeRO-3 reduces unit by unit.
void TrainerStates::make_pieces() {
  piece_of_unit_.resize(units_.size());
  std::size_t end = units_.size();
  for (std::size_t unit = units_.size(); unit-- > 0;) {
    const std::size_t bytes = (offset_[end] - offset_[unit]) * sizeof(float);
    const bool full = bytes >= static_cast<std::size_t>(plan_.bucket) || plan_.zero == 3;
    if (!full && unit > 0) continue;
    Piece piece;
    piece.range = {offset_[unit], offset_[end]};
    const std::size_t share = piece.range.size() / static_cast<std::size_t>(plan_.dp);
    const auto place = static_cast<std::size_t>(team_.place().dp);
    piece.size = sharded() ? share : piece.range.size();
    piece.first = piece.range.begin + (sharded() ? place * share : 0);
    piece.moments = Buffer(pool_, 2 * piece.size);
    piece.moments.clear();
    if (plan_.zero >= 2) piece.gradient = Buffer(pool_, piece.size);
    if (plan_.zero == 3) piece.parameter = Buffer(pool_, piece.size);
    for (std::size_t u = unit; u < end; ++u) piece_of_unit_[u] = pieces_.size();
    pieces_.push_back(std::move(piece));
    end = unit;
  }
}

void TrainerStates::fill_parameters() {
  if (plan_.zero < 3) parameters_.clear();
  for (Piece& piece : pieces_) {
    if (plan_.zero == 3) piece.parameter.clear();
  }
  for (std::size_t u = 0; u < units_.size(); ++u) {
    Piece& piece = pieces_[piece_of(u)];
    for (const Tensor& tensor : units_[u].tensors) {
      for (std::size_t i = 0; i < tensor.size(); ++i) {
        const float value = initial_value(tensor, tensor.whole_index(i));
        const std::size_t at = offset_[u] + tensor.offset + i;
        if (plan_.zero < 3) {
          parameters_.data()[at] = value;
        } else if (at >= piece.first && at < piece.first + piece.size) {
          piece.parameter.data()[at - piece.first] = value;
        }
      }
    }
  }
}

void TrainerStates::clear_gradients() {
  if (!gradients_.empty()) gradients_.clear();
}

void TrainerStates::start_gather(std::size_t unit) {
  Gathered& gathered = gathered_[unit];
  if (!gathered.values.empty()) return;
  const Piece& piece = pieces_[piece_of(unit)];
  gathered.values = Buffer(pool_, piece.range.size());
  MPI_Iallgather(piece.parameter.data(), static_cast<int>(piece.size), MPI_FLOAT,
                 gathered.values.data(), static_cast<int>(piece.size), MPI_FLOAT, team_.data(),
                 &gathered.request);
}

const float* TrainerStates::gather(std::size_t unit, std::size_t next) {
  if (plan_.zero < 3) return parameters_.data() + offset_[unit];
  start_gather(unit);
  if (next < units_.size()) start_gather(next);
  MPI_Wait(&gathered_[unit].request, MPI_STATUS_IGNORE);
  return gathered_[unit].values.data();
}

void TrainerStates::release(std::size_t unit) { gathered_[unit].values.reset(); }

float* TrainerStates::gradients(std::size_t unit) {
  Piece& piece = pieces_[piece_of(unit)];
  if (plan_.zero < 2) return gradients_.data() + offset_[unit];
  if (piece.whole_gradient.empty()) {
    piece.whole_gradient = Buffer(pool_, piece.range.size());
    piece.whole_gradient.clear();
  }
  return piece.whole_gradient.data() + (offset_[unit] - piece.range.begin);
}

void TrainerStates::gradients_done(std::size_t unit) {
  Piece& piece = pieces_[piece_of(unit)];
  if (offset_[unit] != piece.range.begin || plan_.dp == 1) return;
  // What is reduced by now needs its whole gradient no longer.
  for (Piece& other : pieces_) {
    int done = 0;
    if (other.reduction != MPI_REQUEST_NULL) MPI_Test(&other.reduction, &done, MPI_STATUS_IGNORE);
    if (done != 0) other.whole_gradient.reset();
  }
  reduce(piece);
}

void TrainerStates::reduce(Piece& piece) {
  float* whole =
      plan_.zero >= 2 ? piece.whole_gradient.data() : gradients_.data() + piece.range.begin;
  if (plan_.zero == 1) {  // the share stays at the front of the range
    MPI_Ireduce_scatter_block(MPI_IN_PLACE, whole, static_cast<int>(piece.size), MPI_FLOAT, MPI_SUM,
                              team_.data(), &piece.reduction);
  } else if (sharded()) {
    MPI_Ireduce_scatter_block(whole, piece.gradient.data(), static_cast<int>(piece.size), MPI_FLOAT,
                              MPI_SUM, team_.data(), &piece.reduction);
  } else {
    MPI_Iallreduce(MPI_IN_PLACE, whole, static_cast<int>(piece.size), MPI_FLOAT, MPI_SUM,
                   team_.data(), &piece.reduction);
  }
}

void TrainerStates::finish_gradients() {
  for (Piece& piece : pieces_) {
    MPI_Wait(&piece.reduction, MPI_STATUS_IGNORE);
    if (plan_.dp == 1 && plan_.zero >= 2) std::swap(piece.gradient, piece.whole_gradient);
    piece.whole_gradient.reset();
  }
}

void TrainerStates::average_gradients() {
  if (plan_.dp == 1) return;
  const float average = 1.0F / static_cast<float>(plan_.dp);
  for (Piece& piece : pieces_) {
    kernels::scale(const_cast<float*>(gradients_of(piece)), average, piece.size);
  }
}

const float* TrainerStates::gradients_of(const Piece& piece) const {
  if (plan_.zero >= 2) return piece.gradient.data();
  return gradients_.data() + piece.range.begin;  // all of the range, or the share at its front
}

float* TrainerStates::parameters_of(Piece& piece) {
  return plan_.zero == 3 ? piece.parameter.data() : parameters_.data() + piece.first;
}

double TrainerStates::square_sum(const Piece& piece) const {
  return kernels::square_sum(gradients_of(piece), piece.size);
}

// Every tensor-parallel rank has the gains' gradients; the first one's count.
double TrainerStates::repeated_squares() const {
  if (team_.place().tp == 0) return 0.0;
  double sum = 0.0;
  const auto square = [&sum](const Tensor&, std::size_t, float value) {
    sum += static_cast<double>(value) * static_cast<double>(value);
  };
  for (std::size_t u = 0; u < units_.size(); ++u) {
    for (const Tensor& tensor : units_[u].tensors) {
      if (tensor.gain) each_gradient_of(u, tensor, square);
    }
  }
  return sum;
}

double TrainerStates::square_share() const {
  double square = 0.0;
  for (const Piece& piece : pieces_) square += square_sum(piece);
  square -= repeated_squares();
  return sharded() ? square : square / plan_.dp;
}

void TrainerStates::update(int step, double norm) {
  const auto clip = static_cast<float>(1.0 / std::max(1.0, norm));
  for (Piece& piece : pieces_) {
    float* gradient = const_cast<float*>(gradients_of(piece));
    kernels::scale(gradient, clip, piece.size);
    kernels::adam(parameters_of(piece), gradient, piece.moments.data(),
                  piece.moments.data() + piece.size, piece.size, 1.0F, step);
  }
}

void TrainerStates::exchange_parameters() {
  if (plan_.dp == 1 || plan_.zero == 0 || plan_.zero == 3) return;
  for (Piece& piece : pieces_) {
    MPI_Allgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, parameters_.data() + piece.range.begin,
                  static_cast<int>(piece.size), MPI_FLOAT, team_.data());
  }
}

void TrainerStates::each_gradient(const Visit& visit) const {
  for (std::size_t u = 0; u < units_.size(); ++u) {
    for (const Tensor& tensor : units_[u].tensors) each_gradient_of(u, tensor, visit);
  }
}

void TrainerStates::each_gradient_of(std::size_t unit, const Tensor& tensor,
                                     const Visit& visit) const {
  const Piece& piece = pieces_[piece_of(unit)];
  const float* values = gradients_of(piece);
  const std::size_t begin = offset_[unit] + tensor.offset;
  const std::size_t from = std::max(begin, piece.first);
  const std::size_t to = std::min(begin + tensor.size(), piece.first + piece.size);
  for (std::size_t at = from; at < to; ++at) visit(tensor, at - begin, values[at - piece.first]);
}

void TrainerStates::spoil_gradient() {
  float* values = const_cast<float*>(gradients_of(pieces_.front()));
  kernels::scale(values, 1.01F, pieces_.front().size);
}

}  // namespace apps::mpi
