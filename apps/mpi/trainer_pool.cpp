#include "apps/mpi/trainer_pool.hpp"

#include <algorithm>

namespace apps::mpi {

Buffer::Buffer(Pool& pool, std::size_t size) : pool_(&pool), data_(pool.take(size)), size_(size) {}

void Buffer::reset() {
  if (data_ != nullptr) pool_->give(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

void Buffer::clear() { std::fill_n(data_, size_, 0.0F); }

float* Pool::take(std::size_t size) {
  now_ += size * sizeof(float);
  peak_ = std::max(peak_, now_);
  std::vector<float*>& ready = free_[size];
  if (ready.empty()) {
    all_.push_back(std::make_unique<float[]>(size));
    return all_.back().get();
  }
  float* data = ready.back();
  ready.pop_back();
  return data;
}

void Pool::give(float* data, std::size_t size) {
  now_ -= size * sizeof(float);
  free_[size].push_back(data);
}

}  // namespace apps::mpi
