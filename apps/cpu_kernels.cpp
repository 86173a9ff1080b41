#include "apps/cpu_kernels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace apps::kernels {
namespace {

// e^x to 2e-7 by splitting off the power of two and a polynomial of the rest on [-ln2/2, ln2/2]:
// without branches or calls, so that compilers run it on vectors.
inline float fast_exp(float x) {
  x = std::min(88.0F, std::max(-87.0F, x));
  constexpr float kMagic = 12582912.0F;  // 1.5 * 2^23: adding it rounds to a whole number
  const float shifted = x * 1.44269504F + kMagic;
  const float whole = shifted - kMagic;
  const float r = (x - whole * 0.693145752F) - whole * 1.42860677e-6F;
  float p = 1.0F / 720.0F;
  p = p * r + 1.0F / 120.0F;
  p = p * r + 1.0F / 24.0F;
  p = p * r + 1.0F / 6.0F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const auto power = std::bit_cast<std::uint32_t>(shifted) << 23U;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(p) + power);
}

inline float sigmoid(float x) { return 1.0F / (1.0F + fast_exp(-x)); }

// Sums in eight lanes: the order is fixed, and vectors can hold it.
template <class Term>
float sum_of(int width, const Term& term) {
  float lanes[8] = {};
  int i = 0;
  for (; i + 8 <= width; i += 8) {
    for (int j = 0; j < 8; ++j) lanes[j] += term(i + j);
  }
  for (; i < width; ++i) lanes[0] += term(i);
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
         ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

constexpr float kEpsilon = 1e-5F;
constexpr float kGelu = 1.702F;

}  // namespace

void norm(const float* x, const float* gain, float* y, float* inverse, int rows, int width) {
  for (int row = 0; row < rows; ++row, x += width, y += width) {
    const float square = sum_of(width, [x](int i) { return x[i] * x[i]; });
    const float r = 1.0F / std::sqrt(square / static_cast<float>(width) + kEpsilon);
    for (int i = 0; i < width; ++i) y[i] = x[i] * r * gain[i];
    inverse[row] = r;
  }
}

void norm_backward(const float* dy, const float* x, const float* gain, const float* inverse,
                   float* dx, float* gain_gradient, int rows, int width) {
  for (int row = 0; row < rows; ++row, x += width, dy += width, dx += width) {
    const float r = inverse[row];
    const float dot = sum_of(width, [=](int i) { return dy[i] * gain[i] * x[i]; });
    const float along = dot * r * r / static_cast<float>(width);
    for (int i = 0; i < width; ++i) {
      gain_gradient[i] += dy[i] * x[i] * r;
      dx[i] += r * (dy[i] * gain[i] - x[i] * along);
    }
  }
}

void gelu(const float* x, float* y, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) y[i] = x[i] * sigmoid(kGelu * x[i]);
}

void gelu_backward(const float* x, float* dy, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    const float s = sigmoid(kGelu * x[i]);
    dy[i] *= s + kGelu * x[i] * s * (1.0F - s);
  }
}

void add(const float* a, const float* b, float* out, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out[i] = a[i] + b[i];
}

float row_maximum(const float* row, int width) {
  float most = row[0];
  for (int i = 1; i < width; ++i) most = std::max(most, row[i]);
  return most;
}

float exponentials(float* row, float maximum, int width) {
  for (int i = 0; i < width; ++i) row[i] = fast_exp(row[i] - maximum);
  return sum_of(width, [row](int i) { return row[i]; });
}

void causal_softmax(float* scores, float scale, int keys) {
  for (int query = 0; query < keys; ++query, scores += keys) {
    const int seen = query + 1;
    for (int i = 0; i < seen; ++i) scores[i] *= scale;
    const float sum = exponentials(scores, row_maximum(scores, seen), seen);
    const float inverse = 1.0F / sum;
    for (int i = 0; i < seen; ++i) scores[i] *= inverse;
    for (int i = seen; i < keys; ++i) scores[i] = 0.0F;
  }
}

void causal_softmax_backward(const float* probabilities, float* gradient, float scale, int keys) {
  const float* p = probabilities;
  float* g = gradient;
  for (int query = 0; query < keys; ++query, p += keys, g += keys) {
    const float dot = sum_of(query + 1, [=](int i) { return p[i] * g[i]; });
    for (int i = 0; i < keys; ++i) g[i] = p[i] * (g[i] - dot) * scale;
  }
}

void scale(float* values, float factor, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) values[i] *= factor;
}

double square_sum(const float* values, std::size_t size) {
  // Blocks in single, their sums in double precision: no long sum loses its small terms.
  constexpr std::size_t kBlock = 4096;
  double sum = 0.0;
  for (std::size_t i = 0; i < size; i += kBlock) {
    const float* block = values + i;
    const int width = static_cast<int>(std::min(kBlock, size - i));
    sum += static_cast<double>(sum_of(width, [block](int j) { return block[j] * block[j]; }));
  }
  return sum;
}

void adam(float* parameter, const float* gradient, float* first, float* second, std::size_t size,
          float scale, int step) {
  constexpr float kRate = 1e-3F, kFirst = 0.9F, kSecond = 0.95F, kSmall = 1e-8F;
  const float one = 1.0F / (1.0F - std::pow(kFirst, static_cast<float>(step)));
  const float two = 1.0F / (1.0F - std::pow(kSecond, static_cast<float>(step)));
  for (std::size_t i = 0; i < size; ++i) {
    const float g = gradient[i] * scale;
    first[i] = kFirst * first[i] + (1.0F - kFirst) * g;
    second[i] = kSecond * second[i] + (1.0F - kSecond) * g * g;
    parameter[i] -= kRate * first[i] * one / (std::sqrt(second[i] * two) + kSmall);
  }
}

}  // namespace apps::kernels
