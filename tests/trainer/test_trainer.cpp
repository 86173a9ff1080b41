// The trainer of calibrate verify on one rank: its gradients against differences of its loss.
#include <mpi.h>
#include <catch2/catch.hpp>

#include <cmath>
#include <random>

#include "apps/mpi/trainer.hpp"
#include "apps/mpi/verify_plans.hpp"

using namespace apps;
using namespace apps::mpi;

namespace {

class MpiAlone {
 public:
  MpiAlone() { MPI_Init(nullptr, nullptr); }
  MpiAlone(const MpiAlone&) = delete;
  MpiAlone& operator=(const MpiAlone&) = delete;
  ~MpiAlone() { MPI_Finalize(); }
};
const MpiAlone kMpi;

// The loss is fp32 sums: it moves by some 1e-6, so that a change of 1e-2 is known to 1e-3; the rest
// is for the third derivative.
constexpr double kChange = 1e-2, kTolerance = 1e-2;

struct Alone {
  TrainerShape shape = small_shape();
  TrainerPlan plan;
  Blas blas;
  TrainerTeam team;
  Trainer trainer;
  explicit Alone(const TrainerPlan& of)
      : plan(of), team(MPI_COMM_SELF, plan), trainer(shape, plan, team, blas) {}
  // The unit's parameters, which gather() shows read-only.
  float* parameters(std::size_t unit) {
    auto& states = const_cast<TrainerStates&>(trainer.states());
    return const_cast<float*>(states.gather(unit, unit));
  }
};

}  // namespace

// Embedding, norms, projections, attention, GELU, output projection and loss: all of them stand
// between some tensor and the loss.
TEST_CASE("every tensor's gradient is the slope of the loss") {
  Alone alone{TrainerPlan{}};
  alone.trainer.gradients();
  std::map<int, std::vector<float>> gradients;
  alone.trainer.states().each_gradient([&](const Tensor& tensor, std::size_t, float value) {
    gradients[tensor.id].push_back(value);
  });
  std::mt19937 random(5);
  std::size_t tensors = 0;
  const auto& units = alone.trainer.states().units();
  for (std::size_t u = 0; u < units.size(); ++u) {
    for (const Tensor& tensor : units[u].tensors) {
      const std::vector<float>& gradient = gradients.at(tensor.id);
      REQUIRE(gradient.size() == tensor.size());
      // The gradient's own direction, with each element weighted at random: an error that a
      // plain sum would average out shows.
      std::vector<double> direction;
      double slope = 0.0;
      for (const float g : gradient) {
        const double weight = 0.25 + static_cast<double>(random()) / 4294967296.0;
        direction.push_back(weight * static_cast<double>(g));
        slope += direction.back() * static_cast<double>(g);
      }
      REQUIRE(slope > 0.0);
      const double step = kChange / slope;
      float* parameters = alone.parameters(u) + tensor.offset;
      const std::vector<float> before(parameters, parameters + tensor.size());
      const auto loss = [&](double by) {
        for (std::size_t i = 0; i < before.size(); ++i) {
          parameters[i] = static_cast<float>(static_cast<double>(before[i]) + by * direction[i]);
        }
        return alone.trainer.gradients();
      };
      const double above = loss(0.5 * step), below = loss(-0.5 * step);
      std::copy(before.begin(), before.end(), parameters);
      INFO("unit " << u << ", tensor " << tensor.id);
      CHECK((above - below) / step == Approx(slope).epsilon(kTolerance));
      ++tensors;
    }
  }
  CHECK(tensors == 4 * 6 + 3);
}

TEST_CASE("training lowers the loss of the same text") {
  Alone alone{TrainerPlan{}};
  const double first = alone.trainer.gradients();
  CHECK(first == Approx(std::log(128.0)).epsilon(0.1));  // of a guess among 128 tokens
  double last = first;
  for (int step = 0; step < 20; ++step) {
    last = alone.trainer.step();
  }
  CHECK(last < first);
}
