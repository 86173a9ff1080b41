#include "apps/kernel_bench.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "apps/arena.hpp"
#include "apps/cpu_kernels.hpp"

namespace apps {
namespace {

using models::KernelRates;
using models::Pass;
using studies::MeasuredKernel;
using Rate = sim::Bandwidth KernelRates::*;

constexpr int kPasses = 5;
constexpr std::size_t kLeastOfASort = 3;

std::size_t area(std::int64_t rows, std::int64_t columns) {
  return static_cast<std::size_t>(rows * columns);
}

// Mean of a stretch of repetitions.
template <class Run>
double wall_time(double seconds, const Run& run) {
  const double begin = now_seconds();
  double spent = 0.0;
  int times = 0;
  do {
    run();
    ++times;
    spent = now_seconds() - begin;
  } while (spent < seconds);
  return spent / times;
}

class Bench {
 public:
  explicit Bench(const Blas& blas) : blas_(blas), gain_(kWidest, 1.0F), gradient_(kWidest) {}

  double time(const MeasuredKernel& kernel, double seconds) {
    read_.settle();
    write_.settle();
    return wall_time(seconds, [&] { run(kernel); });
  }
  void run(const MeasuredKernel& kernel) {
    if (kernel.gemm) {
      kernel.batch > 1 ? attend(kernel) : multiply(kernel);
    } else {
      kernel.rate == nullptr ? sum(kernel) : run_rated(kernel);
    }
  }
  // Values that are scaled again and again would become too small to be computed with at speed.
  void refill() { write_.refill(); }

 private:
  static constexpr std::size_t kWidest = 8192;

  void multiply(const MeasuredKernel& kernel) {
    const float* a = read_.next(area(kernel.m, kernel.k));
    const float* b = read_.next(area(kernel.k, kernel.n));
    float* c = write_.next(area(kernel.m, kernel.n));
    blas_.multiply(kernel.pass == Pass::backward_weight, kernel.pass == Pass::backward_data,
                   static_cast<int>(kernel.m), static_cast<int>(kernel.n),
                   static_cast<int>(kernel.k), a, b, kernel.accumulates() ? 1.0F : 0.0F, c);
  }

  // Queries, keys and values stand side by side in one matrix, as a projection leaves them; scores
  // are dense.
  void attend(const MeasuredKernel& kernel) {
    const bool scores = kernel.pass == Pass::backward_data;
    const int s = static_cast<int>(kernel.m);
    const int d = static_cast<int>(scores ? kernel.k : kernel.n);
    const int heads = static_cast<int>(kernel.batch), w = heads * d, ld = 3 * w;
    const float* projected = read_.next(area(s, ld));
    const float* dense = read_.next(area(heads * s, s));
    float* out = write_.next(std::max(area(s, ld), area(heads * s, s)));
    for (int j = 0; j < heads; ++j) {
      const float* q = projected + j * d;
      const float* p = dense + area(j * s, s);
      if (scores) {
        blas_.multiply(false, true, s, s, d, q, ld, q + w, ld, 0.0F, out + area(j * s, s), s);
      } else {
        const bool gradient = kernel.pass == Pass::backward_weight;
        blas_.multiply(gradient, false, s, d, s, p, s, q + 2 * w, ld, 0.0F, out + j * d, ld);
      }
    }
  }

  void sum(const MeasuredKernel& kernel) {
    const auto size = static_cast<std::size_t>(kernel.bytes.count() / 12);
    kernels::add(read_.next(size), read_.next(size), write_.next(size), size);
  }

  void run_rated(const MeasuredKernel& kernel) {
    const int rows = static_cast<int>(kernel.m), width = static_cast<int>(kernel.n);
    const std::size_t size = area(kernel.m, kernel.n);
    const Rate rate = kernel.rate;
    if (rate == &KernelRates::norm) {
      kernels::norm(read_.next(size), gain_.data(), write_.next(size), gradient_.data(), rows,
                    width);
    } else if (rate == &KernelRates::norm_backward) {
      const float* dy = read_.next(size);
      kernels::norm_backward(dy, read_.next(size), gain_.data(), gain_.data(), write_.next(size),
                             gradient_.data(), rows, width);
    } else if (rate == &KernelRates::activation) {
      kernels::gelu(read_.next(size), write_.next(size), size);
    } else if (rate == &KernelRates::activation_backward) {
      kernels::gelu_backward(read_.next(size), write_.next(size), size);
    } else if (rate == &KernelRates::residual) {
      const float* x = read_.next(size);
      float* y = write_.next(size);
      kernels::add(y, x, y, size);
    } else if (rate == &KernelRates::cross_entropy) {
      cross_entropy(write_.next(size), rows, width);
    } else if (rate == &KernelRates::optimizer) {
      update(size);
    } else {
      for (std::int64_t i = 0; i < kernel.batch; ++i) softmax(rate, width);
    }
  }

  void softmax(Rate rate, int keys) {
    const std::size_t size = area(keys, keys);
    if (rate == &KernelRates::softmax) {
      kernels::causal_softmax(write_.next(size), 1.0F, keys);
    } else {
      kernels::causal_softmax_backward(read_.next(size), write_.next(size), 1.0F, keys);
    }
  }

  static void cross_entropy(float* logits, int rows, int width) {
    for (int row = 0; row < rows; ++row, logits += width) {
      const float most = kernels::row_maximum(logits, width);
      kernels::scale(logits, 1.0F / kernels::exponentials(logits, most, width),
                     static_cast<std::size_t>(width));
    }
  }

  // A gradient is made, averaged, its norm taken, clipped, and used.
  void update(std::size_t size) {
    float* gradient = write_.next(size);
    float* parameter = write_.next(size);
    float* first = write_.next(size);
    float* second = write_.next(size);
    std::fill_n(gradient, size, 0.25F);
    kernels::scale(gradient, 0.5F, size);
    const double norm = std::sqrt(kernels::square_sum(gradient, size));
    kernels::scale(gradient, static_cast<float>(1.0 / std::max(1.0, norm)), size);
    for (std::size_t i = 0; i < size; i += 4096) second[i] = std::abs(second[i]);
    kernels::adam(parameter, gradient, first, second, size, 1.0F, 10);
  }

  const Blas& blas_;
  Arena read_, write_;
  std::vector<float> gain_, gradient_;
};

}  // namespace

double now_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

std::vector<double> time_kernels(const std::vector<MeasuredKernel>& kernels, const Blas& blas,
                                 double seconds, const Meeting& meet) {
  std::vector<std::vector<double>> means(kernels.size());
  Bench bench(blas);
  const double each = seconds / static_cast<double>(kernels.size()) / kPasses;
  const double end = now_seconds() + seconds, late = end + 0.5 * seconds;
  // Sorts: products of three passes, single and batched, sums, and the rates.
  const std::size_t least = kLeastOfASort * (7 + models::kNamedRates.size());
  bool stopped = false;
  for (int pass = 0; pass < kPasses && !stopped; ++pass) {
    bench.refill();
    for (std::size_t i = 0; i < kernels.size() && !stopped; ++i) {
      const double now = now_seconds();
      stopped = meet(pass > 0 ? now > end : i >= least && now > late);
      if (stopped) break;
      if (pass == 0) bench.run(kernels[i]);  // pages
      means[i].push_back(bench.time(kernels[i], each));
    }
  }
  std::vector<double> out;
  for (const std::vector<double>& mean : means) out.push_back(studies::median(mean));
  return out;
}

std::vector<MeasuredKernel> joined(std::vector<MeasuredKernel> kernels,
                                   const std::vector<double>& times) {
  for (std::size_t k = 0; k < kernels.size(); ++k) {
    std::vector<double> all;
    for (std::size_t i = k; i < times.size(); i += kernels.size()) all.push_back(times[i]);
    kernels[k].seconds = studies::median(all);
  }
  std::erase_if(kernels, [](const MeasuredKernel& kernel) { return kernel.seconds <= 0.0; });
  return kernels;
}

}  // namespace apps
