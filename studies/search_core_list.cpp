#include "studies/search_core_list.hpp"

#include <algorithm>

#include "sim/contracts.hpp"

namespace studies {

SearchCore CoreList::operator[](std::size_t index) const {
  SearchCore core;
  const std::uint16_t* place = places(index);
  for (std::size_t d = 0; d < known_.size(); ++d) core.values[d] = known_[d][place[d]];
  return core;
}

bool CoreList::agree(std::size_t a, std::size_t b, std::size_t dimensions) const {
  return std::equal(places(a), places(a) + dimensions, places(b));
}

void CoreList::push_back(const SearchCore& core) {
  for (std::size_t d = 0; d < known_.size(); ++d) places_.push_back(place_of(d, core.values[d]));
  ++size_;
}

void CoreList::append(const CoreList& others) {
  SIM_EXPECTS(others.known_.size() == known_.size(), "lists of the same dimensions");
  std::vector<std::vector<std::uint16_t>> here(known_.size());
  for (std::size_t d = 0; d < known_.size(); ++d) {
    for (const std::int64_t value : others.known_[d]) here[d].push_back(place_of(d, value));
  }
  for (std::size_t i = 0; i < others.size_; ++i) {
    const std::uint16_t* place = others.places(i);
    for (std::size_t d = 0; d < known_.size(); ++d) places_.push_back(here[d][place[d]]);
  }
  size_ += others.size_;
}

std::uint16_t CoreList::place_of(std::size_t dimension, std::int64_t value) {
  std::vector<std::int64_t>& known = known_[dimension];
  auto at = std::find(known.begin(), known.end(), value);
  if (at == known.end()) {
    SIM_EXPECTS(known.size() < kMostValues, "values that a place can tell apart");
    at = known.insert(known.end(), value);
  }
  return static_cast<std::uint16_t>(at - known.begin());
}

}  // namespace studies
