// A monotone priority queue on 64-bit integer time: the event queue of the engine.
//
// An item lies in the bucket of the highest bit in which its key differs from the last popped key,
// so an item moves at most 64 times in its life: amortised O(64) and flat in the number of pending
// items, fastest when many keys are equal (Ahuja, Mehlhorn, Orlin, Tarjan, J. ACM 37(2), 1990).
// Equal keys always share a bucket and buckets keep the order of insertion: ties are FIFO.
//
// Contract: no key below the last popped one is ever pushed. It is asserted, because a queue that
// breaks it returns plausible nonsense. There is no removal; the caller recognises stale items.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "sim/contracts.hpp"

namespace sim {

template <class Value>
class RadixHeap {
 public:
  struct Item {
    std::int64_t key;
    Value value;
  };

  void push(std::int64_t key, Value value) {
    SIM_EXPECTS(key >= last_, "events are scheduled in the present or the future");
    const std::size_t bucket = bucket_of(key);
    buckets_[bucket].push_back(Item{key, std::move(value)});
    occupied_ |= bucket == 0 ? 0 : std::uint64_t{1} << (bucket - 1);
    ++size_;
  }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  // Key of the last popped item, or of the batch that advance() has reached.
  std::int64_t last_key() const { return last_; }

  // Goes to the smallest key, whose items are then popped by pop(). Must not be called while later
  // pushes may still have a smaller key. REQUIRES: not empty.
  std::int64_t advance() {
    SIM_EXPECTS(size_ > 0, "an empty queue has no next event");
    if (head_ == buckets_[0].size()) refill();
    return last_;
  }

  // True while items with key last_key() are left, those pushed since included.
  bool has_current() const { return head_ < buckets_[0].size(); }

  // REQUIRES: not empty.
  Item pop() {
    advance();
    --size_;
    Item item = std::move(buckets_[0][head_]);
    if (++head_ == buckets_[0].size()) {
      buckets_[0].clear();
      head_ = 0;
    }
    return item;
  }

 private:
  std::size_t bucket_of(std::int64_t key) const {
    return static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(key ^ last_)));
  }

  void refill() {
    const auto bucket = static_cast<std::size_t>(std::countr_zero(occupied_)) + 1;
    std::vector<Item>& items = buckets_[bucket];
    occupied_ &= occupied_ - 1;
    last_ = items.front().key;
    if (items.size() == 1) {  // the usual case where few items are pending
      buckets_[0].swap(items);
      return;
    }
    for (const Item& item : items) last_ = item.key < last_ ? item.key : last_;
    for (Item& item : items) {
      const std::size_t target = bucket_of(item.key);
      occupied_ |= target == 0 ? 0 : std::uint64_t{1} << (target - 1);
      buckets_[target].push_back(std::move(item));
    }
    items.clear();
  }

  std::array<std::vector<Item>, 65> buckets_;
  std::uint64_t occupied_ = 0;  // bit b: bucket b + 1 holds items
  std::size_t head_ = 0;        // next item of bucket 0
  std::size_t size_ = 0;
  std::int64_t last_ = 0;
};

}  // namespace sim
