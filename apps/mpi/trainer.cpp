#include "apps/mpi/trainer.hpp"

#include <algorithm>
#include <cmath>

namespace apps::mpi {

Trainer::Trainer(const TrainerShape& shape, const TrainerPlan& plan, const TrainerTeam& team,
                 const Blas& blas)
    : shape_(shape),
      plan_(plan),
      team_(team),
      states_(shape_, plan_, team, pool_),
      compute_(shape_, plan_, team, blas, pool_, clock_) {}

// The tokens of a micro-batch of this replica, `shift` places on (1: what is to be predicted).
std::vector<int> Trainer::tokens(int micro_batch, int shift) const {
  std::vector<int> out;
  const int replica = plan_.global_batch / plan_.dp;
  const int begin = team_.place().dp * replica + micro_batch * plan_.micro_batch;
  for (int b = 0; b < plan_.micro_batch; ++b) {
    for (int i = 0; i < shape_.seq_len; ++i) {
      out.push_back(token_at(shape_, steps_, begin + b, i + shift));
    }
  }
  return out;
}

void Trainer::forward(int micro_batch) {
  const auto& units = states_.units();
  Flight& flight = flights_.emplace_back();
  flight.saved.resize(units.size());
  Buffer x;
  if (!first()) {
    x = Buffer(pool_, compute_.hidden_size());
    clock_.time(Op::stages, Part::other,
                [&] { team_.receive(team_.place().pp - 1, x.data(), x.size()); });
  }
  for (std::size_t u = 0; u < units.size(); ++u) {
    const float* weights =
        clock_.time(Op::collectives, Part::other, [&] { return states_.gather(u, u + 1); });
    Saved& saved = flight.saved[u];
    if (units[u].kind == UnitKind::embedding) {
      x = clock_.time(Op::embedding, Part::forward, [&] {
        return compute_.embed(units[u], weights, tokens(micro_batch, 0), saved);
      });
    } else if (units[u].kind == UnitKind::layer) {
      x = compute_.layer(units[u], weights, std::move(x), saved);
    } else {
      const float scale = 1.0F / static_cast<float>(compute_.tokens() * plan_.micro_batches());
      loss_ += compute_.head(units[u], weights, std::move(x), tokens(micro_batch, 1), scale, saved);
    }
    states_.release(u);
  }
  if (last()) return;
  flight.output = std::move(x);
  team_.send(team_.place().pp + 1, flight.output.data(), flight.output.size(), flight.sending);
}

void Trainer::backward(int micro_batch) {
  const auto& units = states_.units();
  Flight flight = std::move(flights_.front());
  flights_.pop_front();
  const bool final_pass = micro_batch == plan_.micro_batches() - 1;
  Buffer dy;
  if (!last()) {
    dy = Buffer(pool_, compute_.hidden_size());
    clock_.time(Op::stages, Part::other,
                [&] { team_.receive(team_.place().pp + 1, dy.data(), dy.size()); });
    MPI_Wait(&flight.sending, MPI_STATUS_IGNORE);
    flight.output.reset();
  }
  for (std::size_t u = units.size(); u-- > 0;) {
    const float* weights =
        clock_.time(Op::collectives, Part::other, [&] { return states_.gather(u, u - 1); });
    float* gradients =
        clock_.time(Op::optimizer, Part::other, [&] { return states_.gradients(u); });
    Saved& saved = flight.saved[u];
    if (units[u].kind == UnitKind::embedding) {
      clock_.time(Op::embedding, Part::backward_weight,
                  [&] { compute_.embed_backward(units[u], saved, dy, gradients); });
      dy.reset();
    } else if (units[u].kind == UnitKind::layer) {
      dy = compute_.layer_backward(units[u], weights, saved, std::move(dy), gradients);
    } else {
      dy = compute_.head_backward(units[u], weights, saved, gradients);
    }
    states_.release(u);
    if (final_pass) clock_.time(Op::collectives, Part::other, [&] { states_.gradients_done(u); });
  }
  if (first()) return;
  MPI_Wait(&sending_gradient_, MPI_STATUS_IGNORE);
  sent_gradient_ = std::move(dy);
  team_.send(team_.place().pp - 1, sent_gradient_.data(), sent_gradient_.size(), sending_gradient_);
}

// One forward, one backward (arXiv 1806.03377): as many forwards first as stages follow.
double Trainer::gradients() {
  clock_.time(Op::optimizer, Part::other, [&] { states_.clear_gradients(); });
  loss_ = 0.0;
  const int count = plan_.micro_batches();
  const int ahead = std::min(count, plan_.pp - 1 - team_.place().pp);
  for (int m = 0; m < ahead; ++m) forward(m);
  for (int m = 0; m < count; ++m) {
    if (m + ahead < count) forward(m + ahead);
    backward(m);
  }
  MPI_Wait(&sending_gradient_, MPI_STATUS_IGNORE);
  sent_gradient_.reset();
  clock_.time(Op::collectives, Part::other, [&] { states_.finish_gradients(); });
  clock_.time(Op::optimizer, Part::other, [&] { states_.average_gradients(); });
  if (plan_.spoiled) states_.spoil_gradient();
  // Every replica's loss, known to the tensor-parallel ranks of the last stage alike.
  return team_.sum_world(last() ? loss_ / (plan_.tp * plan_.dp) : 0.0);
}

void Trainer::update() {
  const double here =
      clock_.time(Op::optimizer, Part::other, [&] { return states_.square_share(); });
  const double square =
      clock_.time(Op::collectives, Part::other, [&] { return team_.sum_world(here); });
  clock_.time(Op::optimizer, Part::other, [&] { states_.update(++steps_, std::sqrt(square)); });
  clock_.time(Op::collectives, Part::other, [&] { states_.exchange_parameters(); });
}

double Trainer::step() {
  const double loss = gradients();
  update();
  return loss;
}

}  // namespace apps::mpi
