// Partition refinement in the manner of Hopcroft (1971) and Paige & Tarjan (1987), with counts:
// a splitter class S splits every class by the number of neighbours in S over each label; of the
// pieces of a class all but the largest become splitters. The coarsest equitable partition is
// unique, so the order of splitters shows only in the running time.
#include "sim/refine.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "sim/contracts.hpp"

namespace sim {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

struct HalfEdge {           // seen from a member of the splitter
  std::uint32_t neighbour;  // whose class may split
  std::uint32_t label;      // how the member looks from there; dense
};

// Dense numbers for labels, in order of first appearance.
class LabelIndex {
 public:
  std::uint32_t operator()(std::uint64_t label) {
    if (label == last_label_ && !index_.empty()) return last_index_;
    last_label_ = label;
    last_index_ =
        index_.try_emplace(label, static_cast<std::uint32_t>(index_.size())).first->second;
    return last_index_;
  }
  std::size_t size() const { return index_.size(); }

 private:
  std::unordered_map<std::uint64_t, std::uint32_t> index_;
  std::uint64_t last_label_ = 0;
  std::uint32_t last_index_ = 0;
};

class Refiner {
 public:
  Refiner(std::span<const std::uint64_t> colours, std::span<const LabelledEdge> edges);
  Partition run();

 private:
  struct Class {
    std::uint32_t begin = 0;  // its members are order_[begin, end)
    std::uint32_t end = 0;
    std::uint32_t counted = 0;  // members at the front of it that the splitter reaches
  };

  void colour(std::span<const std::uint64_t> colours);
  void connect(std::span<const LabelledEdge> edges);
  void split_by(std::uint32_t splitter);
  void count_neighbours(std::span<const std::uint32_t> reached);
  void split_class(std::uint32_t id);
  void detach(std::uint32_t begin, std::uint32_t end);
  void swap_to(std::uint32_t vertex, std::uint32_t place);
  Partition numbered_by_smallest_vertex() const;

  std::vector<std::uint32_t> row_begin_;
  std::vector<HalfEdge> half_edges_;
  std::vector<std::uint32_t> order_;  // vertices, class by class
  std::vector<std::uint32_t> place_;  // of a vertex in order_
  std::vector<std::uint32_t> class_of_;
  std::vector<Class> classes_;
  std::vector<std::uint32_t> splitters_;  // classes to split by
  std::vector<std::uint32_t> count_;      // neighbours of a vertex in the splitter, per label
  std::vector<std::uint32_t> reached_classes_;
  std::vector<std::uint32_t> bounds_;     // of the parts of a class that splits
  std::vector<HalfEdge> leaving_;         // edges out of the splitter
  std::vector<std::uint32_t> label_end_;  // per label: its part of grouped_
  std::vector<std::uint32_t> labels_;     // that occur in leaving_
  std::vector<std::uint32_t> grouped_;    // neighbours in leaving_, by label
};

Refiner::Refiner(std::span<const std::uint64_t> colours, std::span<const LabelledEdge> edges)
    : order_(colours.size()),
      place_(colours.size()),
      class_of_(colours.size()),
      count_(colours.size()) {
  SIM_EXPECTS(colours.size() < kNone && edges.size() < kNone / 2, "the graph fits 32-bit indices");
  colour(colours);
  connect(edges);
}

void Refiner::colour(std::span<const std::uint64_t> colours) {
  std::iota(order_.begin(), order_.end(), 0U);
  std::stable_sort(order_.begin(), order_.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return colours[a] < colours[b]; });
  for (std::uint32_t i = 0; i < order_.size(); ++i) {
    const std::uint32_t vertex = order_[i];
    place_[vertex] = i;
    if (i == 0 || colours[vertex] != colours[order_[i - 1]]) {
      splitters_.push_back(static_cast<std::uint32_t>(classes_.size()));
      classes_.push_back(Class{i, i, 0});
    }
    class_of_[vertex] = splitters_.back();
    classes_.back().end = i + 1;
  }
}

void Refiner::connect(std::span<const LabelledEdge> edges) {
  row_begin_.assign(order_.size() + 2, 0);
  for (const LabelledEdge& edge : edges) {
    SIM_EXPECTS(edge.a < order_.size() && edge.b < order_.size(), "an edge joins known vertices");
    ++row_begin_[edge.a + 2];
    ++row_begin_[edge.b + 2];
  }
  std::partial_sum(row_begin_.begin(), row_begin_.end(), row_begin_.begin());
  half_edges_.resize(2 * edges.size());
  LabelIndex labels;
  for (const LabelledEdge& edge : edges) {
    half_edges_[row_begin_[edge.a + 1]++] = HalfEdge{edge.b, labels(edge.label_ba)};
    half_edges_[row_begin_[edge.b + 1]++] = HalfEdge{edge.a, labels(edge.label_ab)};
  }
  label_end_.assign(labels.size(), 0);
}

Partition Refiner::run() {
  while (!splitters_.empty()) {
    const std::uint32_t splitter = splitters_.back();
    splitters_.pop_back();
    split_by(splitter);
  }
  return numbered_by_smallest_vertex();
}

// Groups the edges that leave the splitter by label, then splits by one label at a time. The edges
// are collected first because the splitter itself may split.
void Refiner::split_by(std::uint32_t splitter) {
  leaving_.clear();
  labels_.clear();
  for (std::uint32_t i = classes_[splitter].begin; i < classes_[splitter].end; ++i) {
    const std::uint32_t vertex = order_[i];
    for (std::uint32_t e = row_begin_[vertex]; e < row_begin_[vertex + 1]; ++e) {
      leaving_.push_back(half_edges_[e]);
      if (label_end_[half_edges_[e].label]++ == 0) labels_.push_back(half_edges_[e].label);
    }
  }
  grouped_.resize(leaving_.size());
  std::uint32_t begin = 0;
  for (const std::uint32_t label : labels_) begin += std::exchange(label_end_[label], begin);
  for (const HalfEdge& edge : leaving_) grouped_[label_end_[edge.label]++] = edge.neighbour;
  begin = 0;
  for (const std::uint32_t label : labels_) {
    const std::uint32_t end = std::exchange(label_end_[label], 0);
    count_neighbours(std::span{grouped_}.subspan(begin, end - begin));
    for (const std::uint32_t id : reached_classes_) split_class(id);
    reached_classes_.clear();
    begin = end;
  }
}

void Refiner::count_neighbours(std::span<const std::uint32_t> reached) {
  for (const std::uint32_t vertex : reached) {
    if (count_[vertex]++ > 0) continue;
    Class& group = classes_[class_of_[vertex]];
    if (group.counted == 0) reached_classes_.push_back(class_of_[vertex]);
    swap_to(vertex, group.begin + group.counted++);
  }
}

void Refiner::swap_to(std::uint32_t vertex, std::uint32_t place) {
  const std::uint32_t other = order_[place];
  std::swap(order_[place], order_[place_[vertex]]);
  place_[other] = place_[vertex];
  place_[vertex] = place;
}

// Sorts the reached members by count and detaches every group but the largest, which keeps the id:
// if the class still waits to split others, so do all its parts.
void Refiner::split_class(std::uint32_t id) {
  const Class whole = classes_[id];
  const auto first = order_.begin() + whole.begin;
  const auto last = first + whole.counted;
  const auto fewer = [&](std::uint32_t a, std::uint32_t b) { return count_[a] < count_[b]; };
  if (!std::is_sorted(first, last, fewer)) std::sort(first, last, fewer);
  classes_[id].counted = 0;
  // Groups of equal count: the boundaries between them, with the members not reached at the end.
  std::vector<std::uint32_t>& bounds = bounds_;
  bounds.assign(1, whole.begin);
  for (std::uint32_t i = whole.begin; i < whole.begin + whole.counted; ++i) {
    place_[order_[i]] = i;
    if (i > whole.begin && count_[order_[i]] != count_[order_[i - 1]]) bounds.push_back(i);
  }
  if (whole.begin + whole.counted < whole.end) bounds.push_back(whole.begin + whole.counted);
  bounds.push_back(whole.end);
  for (auto vertex = first; vertex != last; ++vertex) count_[*vertex] = 0;
  if (bounds.size() == 2) return;
  std::size_t largest = 0;
  for (std::size_t g = 1; g + 1 < bounds.size(); ++g)
    if (bounds[g + 1] - bounds[g] > bounds[largest + 1] - bounds[largest]) largest = g;
  classes_[id].begin = bounds[largest];
  classes_[id].end = bounds[largest + 1];
  for (std::size_t g = 0; g + 1 < bounds.size(); ++g)
    if (g != largest) detach(bounds[g], bounds[g + 1]);
}

void Refiner::detach(std::uint32_t begin, std::uint32_t end) {
  const auto id = static_cast<std::uint32_t>(classes_.size());
  classes_.push_back(Class{begin, end, 0});
  for (std::uint32_t i = begin; i < end; ++i) class_of_[order_[i]] = id;
  splitters_.push_back(id);
}

Partition Refiner::numbered_by_smallest_vertex() const {
  Partition partition;
  partition.class_of.resize(class_of_.size());
  std::vector<std::uint32_t> number(classes_.size(), kNone);
  for (std::uint32_t vertex = 0; vertex < class_of_.size(); ++vertex) {
    std::uint32_t& id = number[class_of_[vertex]];
    if (id == kNone) {
      id = static_cast<std::uint32_t>(partition.representative.size());
      partition.representative.push_back(vertex);
      partition.class_size.push_back(0);
    }
    partition.class_of[vertex] = id;
    ++partition.class_size[id];
  }
  return partition;
}

}  // namespace

Partition refine(std::span<const std::uint64_t> initial_colours,
                 std::span<const LabelledEdge> edges) {
  return Refiner(initial_colours, edges).run();
}

}  // namespace sim
