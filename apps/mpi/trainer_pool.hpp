// Memory of the trainer: kept and handed out again, as training frameworks do, and counted.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace apps::mpi {

class Pool;

// Floats from a pool, given back when it goes. Their values are whatever was there.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Pool& pool, std::size_t size);
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() { reset(); }
  void reset();

  float* data() { return data_; }
  const float* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return data_ == nullptr; }
  void clear();  // to zero

 private:
  Pool* pool_ = nullptr;
  float* data_ = nullptr;
  std::size_t size_ = 0;
};

class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  float* take(std::size_t size);
  void give(float* data, std::size_t size);
  std::size_t peak_bytes() const { return peak_; }  // most handed out at one time

 private:
  std::map<std::size_t, std::vector<float*>> free_;  // by size
  std::vector<std::unique_ptr<float[]>> all_;
  std::size_t now_ = 0, peak_ = 0;
};

}  // namespace apps::mpi
