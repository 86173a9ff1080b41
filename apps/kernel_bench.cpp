#include "apps/kernel_bench.hpp"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <random>

namespace apps {
namespace {

using studies::MeasuredKernel;

constexpr int kLeastRepetitions = 5;

MeasuredKernel product(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t batch = 1) {
  MeasuredKernel kernel;
  kernel.m = m;
  kernel.n = n;
  kernel.k = k;
  kernel.batch = batch;
  return kernel;
}

std::vector<float> filled(std::size_t size) {
  std::vector<float> values(size);
  for (std::size_t i = 0; i < size; ++i) {
    values[i] = static_cast<float>(i % 1024) * (1.0F / 1024.0F) - 0.5F;
  }
  return values;
}

// Of this thread's own: what other programs take of the core is not the kernel's.
double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Runs `work` until the seconds are over, at least a few times; the median.
template <class Work>
double median_time(double seconds, const Work& work) {
  work();  // pages, caches, clocks
  std::vector<double> times;
  const double end = now_seconds() + seconds;
  while (times.size() < kLeastRepetitions || now_seconds() < end) {
    const double begin = thread_seconds();
    work();
    times.push_back(thread_seconds() - begin);
  }
  return studies::median(times);
}

double time_product(const MeasuredKernel& kernel, const Blas& blas, double seconds) {
  const auto size = [&](std::int64_t rows, std::int64_t columns) {
    return static_cast<std::size_t>(rows * columns * kernel.batch);
  };
  const std::vector<float> a = filled(size(kernel.m, kernel.k));
  const std::vector<float> b = filled(size(kernel.k, kernel.n));
  std::vector<float> c(size(kernel.m, kernel.n));
  return median_time(seconds, [&] {
    for (std::int64_t i = 0; i < kernel.batch; ++i) {
      blas.multiply(false, false, static_cast<int>(kernel.m), static_cast<int>(kernel.n),
                    static_cast<int>(kernel.k),
                    &a[static_cast<std::size_t>(i * kernel.m * kernel.k)],
                    &b[static_cast<std::size_t>(i * kernel.k * kernel.n)], 0.0F,
                    &c[static_cast<std::size_t>(i * kernel.m * kernel.n)]);
    }
  });
}

// c = a + b: two reads, one write.
double time_sum(const MeasuredKernel& kernel, double seconds) {
  const auto size = static_cast<std::size_t>(kernel.bytes.count() / 12);
  const std::vector<float> a = filled(size), b = filled(size);
  std::vector<float> c(size);
  return median_time(seconds, [&] {
    float* out = c.data();
    const float* left = a.data();
    const float* right = b.data();
    for (std::size_t i = 0; i < size; ++i) out[i] = left[i] + right[i];
    asm volatile("" : : "r"(out) : "memory");
  });
}

}  // namespace

double now_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

std::vector<MeasuredKernel> kernels_to_measure() {
  std::vector<MeasuredKernel> kernels;
  for (const std::int64_t tokens : {128, 256, 512, 1024}) {
    for (const std::int64_t hidden : {256, 512, 1024}) {
      kernels.push_back(product(tokens, hidden, hidden));
      kernels.push_back(product(tokens, 3 * hidden, hidden));
      kernels.push_back(product(tokens, 4 * hidden, hidden));
      kernels.push_back(product(tokens, hidden, 4 * hidden));
      kernels.push_back(product(hidden, 4 * hidden, tokens));
    }
  }
  for (const std::int64_t keys : {64, 128, 256}) {
    for (const std::int64_t head : {32, 64, 128}) {
      kernels.push_back(product(keys, keys, head, 8));
      kernels.push_back(product(keys, head, keys, 8));
    }
  }
  for (std::int64_t bytes = 192 << 10; bytes <= 192 << 20; bytes *= 2) {
    MeasuredKernel kernel;
    kernel.gemm = false;
    kernel.bytes = sim::Bytes{bytes};
    kernels.push_back(kernel);
  }
  // In random order, the same for all who measure: no drift looks like a size.
  std::shuffle(kernels.begin(), kernels.end(), std::mt19937(20260101));
  return kernels;
}

std::vector<double> time_kernels(const std::vector<MeasuredKernel>& kernels, const Blas& blas,
                                 double seconds, const std::function<void()>& meet) {
  std::vector<double> out;
  const double each = seconds / static_cast<double>(kernels.size());
  for (const MeasuredKernel& kernel : kernels) {
    meet();
    out.push_back(kernel.gemm ? time_product(kernel, blas, each) : time_sum(kernel, each));
  }
  return out;
}

}  // namespace apps
