// The cores of a space: tens of millions in large ones, so each is kept as the places of its values
// among those that its dimensions have.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace studies {

inline constexpr std::size_t kMostCoreDimensions = 22;
inline constexpr std::size_t kMostValues = std::size_t{1} << 16U;  // of a dimension

struct SearchCore {
  std::array<std::int64_t, kMostCoreDimensions> values{};
};

class CoreList {
 public:
  // Of cores that differ in the first so many values only.
  explicit CoreList(std::size_t dimensions = 0) : known_(dimensions) {}

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  SearchCore operator[](std::size_t index) const;
  // Whether two of them have the same first `dimensions` values.
  bool agree(std::size_t a, std::size_t b, std::size_t dimensions) const;

  // REQUIRES: at most kMostValues different values a dimension.
  void push_back(const SearchCore& core);
  // Those of a list of as many dimensions, in their order.
  void append(const CoreList& others);
  void reserve(std::size_t cores) { places_.reserve(cores * known_.size()); }

 private:
  std::uint16_t place_of(std::size_t dimension, std::int64_t value);
  const std::uint16_t* places(std::size_t index) const {
    return places_.data() + index * known_.size();
  }

  std::vector<std::vector<std::int64_t>> known_;  // values of each dimension, as they came
  std::vector<std::uint16_t> places_;
  std::size_t size_ = 0;
};

}  // namespace studies
