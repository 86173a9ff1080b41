// The trainer's kernels against plain double precision: values to 1e-6 of the largest one,
// gradients to 1e-5 of the largest one against central differences of the plain function (steps of
// 1e-5, so that what is compared is not the differences' own error).
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "apps/cpu_kernels.hpp"

using namespace apps;

namespace {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

constexpr double kValue = 1e-6, kGradient = 1e-5, kStep = 1e-5;

Floats random_floats(std::size_t size, unsigned seed, float low = -2.0F, float high = 2.0F) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(low, high);
  Floats out(size);
  for (float& value : out) value = uniform(random);
  return out;
}

void check_close(const Floats& got, const Doubles& expected, double tolerance) {
  REQUIRE(got.size() == expected.size());
  double largest = 0.0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO("element " << i << ": " << got[i] << " for " << expected[i]);
    REQUIRE(std::abs(static_cast<double>(got[i]) - expected[i]) <= tolerance * largest);
  }
}

using Function = std::function<Doubles(const Doubles&)>;

// Gradient at x of the sum of f(x) weighted by `weights`, by central differences.
Doubles differences(const Function& f, const Floats& at, const Floats& weights) {
  Doubles x(at.begin(), at.end()), out;
  const auto loss = [&] {
    const Doubles y = f(x);
    double sum = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * static_cast<double>(weights[i]);
    return sum;
  };
  for (double& value : x) {
    const double middle = value;
    value = middle + kStep;
    const double above = loss();
    value = middle - kStep;
    out.push_back((above - loss()) / (2.0 * kStep));
    value = middle;
  }
  return out;
}

Doubles plain_norm(const Doubles& x, const Doubles& gain) {
  const std::size_t width = gain.size();
  Doubles y(x.size());
  for (std::size_t row = 0; row < x.size(); row += width) {
    double square = 0.0;
    for (std::size_t i = 0; i < width; ++i) square += x[row + i] * x[row + i];
    const double inverse = 1.0 / std::sqrt(square / static_cast<double>(width) + 1e-5);
    for (std::size_t i = 0; i < width; ++i) y[row + i] = x[row + i] * inverse * gain[i];
  }
  return y;
}

Doubles plain_gelu(const Doubles& x) {
  Doubles y;
  for (const double value : x) y.push_back(value / (1.0 + std::exp(-1.702 * value)));
  return y;
}

Doubles plain_softmax(const Doubles& x, double scale, std::size_t keys) {
  Doubles y(x.size(), 0.0);
  for (std::size_t row = 0; row < keys; ++row) {
    double sum = 0.0;
    for (std::size_t i = 0; i <= row; ++i) sum += std::exp(scale * x[row * keys + i]);
    for (std::size_t i = 0; i <= row; ++i) {
      y[row * keys + i] = std::exp(scale * x[row * keys + i]) / sum;
    }
  }
  return y;
}

Doubles doubles(const Floats& values) { return {values.begin(), values.end()}; }

}  // namespace

// Widths beside and between the eight lanes of a sum.
TEST_CASE("norm and its gradients are those of RMS normalisation") {
  for (const int width : {1, 7, 8, 19, 64}) {
    const int rows = 3;
    const auto size = static_cast<std::size_t>(rows * width);
    const Floats x = random_floats(size, 1), dy = random_floats(size, 2);
    const Floats gain = random_floats(static_cast<std::size_t>(width), 3);
    Floats y(size), inverse(rows);
    kernels::norm(x.data(), gain.data(), y.data(), inverse.data(), rows, width);
    check_close(y, plain_norm(doubles(x), doubles(gain)), kValue);

    // Both gradients are added to what is there.
    Floats dx(size, 1.0F), dgain(gain.size(), -2.0F);
    kernels::norm_backward(dy.data(), x.data(), gain.data(), inverse.data(), dx.data(),
                           dgain.data(), rows, width);
    Doubles to_x =
        differences([&](const Doubles& at) { return plain_norm(at, doubles(gain)); }, x, dy);
    Doubles to_gain =
        differences([&](const Doubles& at) { return plain_norm(doubles(x), at); }, gain, dy);
    for (double& value : to_x) value += 1.0;
    for (double& value : to_gain) value -= 2.0;
    check_close(dx, to_x, kGradient);
    check_close(dgain, to_gain, kGradient);
  }
}

TEST_CASE("a row of zeros has a norm and a finite gradient") {
  const Floats x(8, 0.0F), gain(8, 1.0F), dy(8, 1.0F);
  Floats y(8, 5.0F), inverse(1), dx(8, 0.0F), dgain(8, 0.0F);
  kernels::norm(x.data(), gain.data(), y.data(), inverse.data(), 1, 8);
  kernels::norm_backward(dy.data(), x.data(), gain.data(), inverse.data(), dx.data(), dgain.data(),
                         1, 8);
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(y[i] == 0.0F);
    CHECK(dx[i] == Approx(1.0 / std::sqrt(1e-5)));
    CHECK(dgain[i] == 0.0F);
  }
}

TEST_CASE("GELU and its gradient are those of x sigmoid(1.702 x)") {
  const Floats x = random_floats(101, 4, -8.0F, 8.0F), weights = random_floats(101, 5);
  Floats y(x.size()), dx = weights;
  kernels::gelu(x.data(), y.data(), x.size());
  kernels::gelu_backward(x.data(), dx.data(), x.size());
  check_close(y, plain_gelu(doubles(x)), kValue);
  check_close(dx, differences(plain_gelu, x, weights), kGradient);
  // Far out, where the exponential is clamped.
  const Floats far{-1e4F, -200.0F, 200.0F, 1e4F};
  Floats out(4), slope(4, 1.0F);
  kernels::gelu(far.data(), out.data(), 4);
  kernels::gelu_backward(far.data(), slope.data(), 4);
  check_close(out, {0.0, 0.0, 200.0, 1e4}, kValue);
  check_close(slope, {0.0, 0.0, 1.0, 1.0}, kGradient);
}

TEST_CASE("causal softmax and its gradient") {
  for (const std::size_t keys : {1U, 5U, 16U, 33U}) {
    const Floats x = random_floats(keys * keys, 6, -4.0F, 4.0F);
    const Floats weights = random_floats(keys * keys, 7);
    const float scale = 0.37F;
    Floats p = x, dx = weights;
    kernels::causal_softmax(p.data(), scale, static_cast<int>(keys));
    const auto plain = [&](const Doubles& at) {
      return plain_softmax(at, static_cast<double>(scale), keys);
    };
    check_close(p, plain(doubles(x)), kValue);
    kernels::causal_softmax_backward(p.data(), dx.data(), scale, static_cast<int>(keys));
    check_close(dx, differences(plain, x, weights), kGradient);
  }
}

TEST_CASE("causal softmax holds with scores that overflow an exponential") {
  Floats x{0.0F, 0.0F, 3e4F, 2e4F};
  kernels::causal_softmax(x.data(), 1.0F, 2);
  check_close(x, {1.0, 0.0, 1.0, 0.0}, kValue);
}

// As the trainer puts it together: maximum, exponentials, their sum.
TEST_CASE("softmax cross-entropy and its gradient") {
  const Floats logits = random_floats(77, 8, -30.0F, 30.0F);
  const std::size_t target = 41;
  Floats row = logits;
  const float maximum = kernels::row_maximum(row.data(), 77);
  CHECK(maximum == *std::max_element(logits.begin(), logits.end()));
  const float sum = kernels::exponentials(row.data(), maximum, 77);
  const double loss = std::log(static_cast<double>(sum)) - static_cast<double>(logits[target]) +
                      static_cast<double>(maximum);
  const auto plain = [&](const Doubles& at) {
    double total = 0.0;
    for (const double value : at) total += std::exp(value);
    return Doubles{std::log(total) - at[target]};
  };
  CHECK(loss == Approx(plain(doubles(logits)).front()).epsilon(1e-6));
  kernels::scale(row.data(), 1.0F / sum, row.size());
  row[target] -= 1.0F;
  check_close(row, differences(plain, logits, {1.0F}), kGradient);
}

TEST_CASE("AdamW's steps are those of the formula in double precision") {
  const std::size_t size = 100;
  Floats parameter = random_floats(size, 9), first(size, 0.0F), second(size, 0.0F);
  Doubles p = doubles(parameter), m(size, 0.0), v(size, 0.0);
  for (int step = 1; step <= 5; ++step) {
    const Floats gradient = random_floats(size, 10U + static_cast<unsigned>(step));
    const float clip = 0.25F;
    kernels::adam(parameter.data(), gradient.data(), first.data(), second.data(), size, clip, step);
    for (std::size_t i = 0; i < size; ++i) {
      const double g = 0.25 * static_cast<double>(gradient[i]);
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.95 * v[i] + 0.05 * g * g;
      const double unbiased = v[i] / (1.0 - std::pow(0.95, step));
      p[i] -= 1e-3 * m[i] / (1.0 - std::pow(0.9, step)) / (std::sqrt(unbiased) + 1e-8);
    }
  }
  check_close(first, m, kValue);
  check_close(second, v, kValue);
  check_close(parameter, p, kValue);
}

TEST_CASE("sums, scaling and norms of long arrays") {
  // More than a block of square_sum, and no multiple of its lanes.
  const std::size_t size = 3 * 4096 + 13;
  const Floats a = random_floats(size, 20), b = random_floats(size, 21);
  Floats sum(size), scaled = a;
  kernels::add(a.data(), b.data(), sum.data(), size);
  kernels::scale(scaled.data(), -1.5F, size);
  double square = 0.0;
  for (std::size_t i = 0; i < size; ++i) {
    REQUIRE(sum[i] == a[i] + b[i]);
    REQUIRE(scaled[i] == -1.5F * a[i]);
    square += static_cast<double>(a[i]) * static_cast<double>(a[i]);
  }
  CHECK(kernels::square_sum(a.data(), size) == Approx(square).epsilon(kValue));
  CHECK(kernels::square_sum(a.data(), 0) == 0.0);
}
