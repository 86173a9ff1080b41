// Typed 32-bit indices, and vectors that only their own id can index.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace sim {

template <class Tag>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(std::size_t index) : value_(static_cast<std::uint32_t>(index)) {}
  static constexpr Id none() { return Id{}; }
  constexpr bool valid() const { return value_ != kNone; }
  constexpr std::uint32_t value() const { return value_; }
  constexpr std::size_t index() const { return value_; }
  constexpr auto operator<=>(const Id&) const = default;

 private:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t value_ = kNone;
};

using DeviceId = Id<struct DeviceTag>;        // a physical accelerator of the Machine
using LinkId = Id<struct LinkTag>;            // a directed link of the Machine
using RankId = Id<struct RankTag>;            // a simulated rank (all of them, or one a class)
using TaskId = Id<struct TaskTag>;            // a task of the TaskGraph
using TrafficId = Id<struct TrafficTag>;      // a pattern of link use that many transfers share
using FlowClassId = Id<struct FlowClassTag>;  // transfers of one traffic with one rate cap

template <class I, class T>
class IdVector {
 public:
  IdVector() = default;
  explicit IdVector(std::size_t size, const T& value = T{}) : items_(size, value) {}

  I push_back(T value) {
    items_.push_back(std::move(value));
    return I{items_.size() - 1};
  }
  T& operator[](I id) { return items_[id.index()]; }
  const T& operator[](I id) const { return items_[id.index()]; }
  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  void reserve(std::size_t count) { items_.reserve(count); }
  void resize(std::size_t count) { items_.resize(count); }
  auto begin() { return items_.begin(); }
  auto end() { return items_.end(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  std::vector<T>& raw() { return items_; }
  const std::vector<T>& raw() const { return items_; }

 private:
  std::vector<T> items_;
};

}  // namespace sim
