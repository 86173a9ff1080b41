#include "strategies/emitter.hpp"

#include <algorithm>
#include <utility>

#include "strategies/late_buffers.hpp"

namespace strategies {
namespace {

// Splits a time so that the two parts add up to it exactly.
std::pair<sim::Time, sim::Time> split(sim::Time whole, double first_part) {
  const sim::Time first =
      std::min(whole, sim::Time::from_seconds(whole.seconds() * std::max(0.0, first_part)));
  return {first, whole - first};
}

}  // namespace

void Emitter::compute(const Compute& work) {
  if (work.device == sim::Time::zero() && work.kernels == 0 && work.host == sim::Time::zero())
    return;
  if (late_) {
    const Late late = *std::exchange(late_, std::nullopt);
    const auto [before, after] = split(work.device, 1.0 - late.fraction);
    Compute first = work;
    first.device = before;
    first.flops = work.flops * (1.0 - late.fraction);
    add(first);
    wait(late.op);
    Compute rest = work;
    rest.device = after;
    rest.kernels = 0;
    rest.host = sim::Time::zero();
    rest.flops = work.flops - first.flops;
    add(rest);
    return;
  }
  add(work);
}

void Emitter::add(const Compute& work) {
  const bool same_place = pending_ && pending_->activity == work.activity &&
                          pending_where_.chunk == where_.chunk &&
                          pending_where_.micro_batch == where_.micro_batch;
  if (pending_ && !same_place) flush();
  if (!pending_) {
    pending_ = work;
    pending_where_ = where_;
    return;
  }
  pending_->device += work.device;
  pending_->kernels += work.kernels;
  pending_->flops += work.flops;
  pending_->host += work.host;
}

std::optional<OpIndex> Emitter::flush() {
  if (!pending_ && waits_.empty()) return last_compute_;
  const Compute work = pending_.value_or(Compute{Activity::other, {}, 0, 0.0, "wait"});
  Op op;
  op.kind = OpKind::compute;
  op.stream = Stream::compute;
  op.activity = work.activity;
  op.chunk = pending_where_.chunk;
  op.micro_batch = pending_where_.micro_batch;
  op.layer = pending_where_.layer;
  op.duration = work.device;
  op.host = host_.kernels(work.activity, work.kernels) + work.host;
  op.launches = work.kernels;
  op.flops = work.flops;
  op.name = work.name;
  op.host_waits = std::exchange(host_waits_, false);
  if (host_.blocking && work.kernels > 0) {
    // The device idles while the host issues the next kernel; the first is issued like any other.
    const sim::Time whole = op.host;
    op.host = host_.kernels(work.activity, 1);
    op.duration += whole - op.host;
    op.host_waits = true;
  }
  last_compute_ = append(op, waits_);
  waits_.clear();
  pending_.reset();
  return last_compute_;
}

OpIndex Emitter::append_communication(Op op) {
  op.chunk = where_.chunk;
  op.micro_batch = where_.micro_batch;
  op.layer = where_.layer;
  op.host = host_.collective;
  op.launches = kCollectiveLaunches;
  op.host_waits = op.host_waits || host_.blocking;
  const std::optional<OpIndex> after = flush();
  if (!after) return append(op, {});
  return append(op, std::span(&*after, 1));
}

OpIndex Emitter::collective(const Collective& what) {
  Op op;
  op.kind = OpKind::collective;
  op.stream = what.stream;
  op.activity = what.activity;
  op.collective = what.kind;
  op.group = what.group;
  op.overlapped = what.overlapped;
  op.host_waits = what.synchronises;
  op.bytes = what.bytes;
  op.forwarded = what.forwarded;
  op.recorded = what.recorded;
  op.name = what.name;
  return append_communication(op);
}

OpIndex Emitter::collective_beside_previous(const Collective& what, double fraction) {
  if (!pending_) return collective(what);
  const Compute whole = *pending_;
  const auto [before, after] = split(whole.device, fraction);
  pending_->device = before;
  pending_->flops = whole.flops * fraction;
  const OpIndex op = collective(what);
  Compute rest = whole;
  rest.device = after;
  rest.kernels = 0;
  rest.host = sim::Time::zero();
  rest.flops = whole.flops * (1.0 - fraction);
  add(rest);
  return op;
}

OpIndex Emitter::send(GroupKind to, sim::Bytes bytes, std::uint64_t message, bool overlapped) {
  Op op;
  op.kind = OpKind::send;
  op.stream = Stream::pipeline;
  op.activity = Activity::pp;
  op.collective = collectives::Kind::send_recv;
  op.group = to;
  op.bytes = bytes;
  op.message = message;
  op.overlapped = overlapped;
  op.name = "send";
  return append_communication(op);
}

OpIndex Emitter::receive(GroupKind from, std::uint64_t message, bool host_waits) {
  flush();
  Op op;
  op.kind = OpKind::receive;
  op.stream = Stream::pipeline;
  op.activity = Activity::pp;
  op.group = from;
  op.message = message;
  op.host_waits = host_waits;
  op.chunk = where_.chunk;
  op.micro_batch = where_.micro_batch;
  op.name = "receive";
  return append(op, {});
}

void Emitter::wait(OpIndex op) {
  if (pending_) flush();
  waits_.push_back(op);
}

void Emitter::wait_late(OpIndex op, double fraction) {
  if (pending_) flush();
  late_ = Late{op, std::clamp(fraction, 0.0, 1.0)};
}

void Emitter::synchronise() {
  if (!pending_) return;
  host_waits_ = true;
  flush();
}

void Emitter::allocate(sim::MemoryCategory category, sim::Bytes amount) {
  memory(category, amount.count());
}

void Emitter::free(sim::MemoryCategory category, sim::Bytes amount) {
  memory(category, -amount.count());
}

}  // namespace strategies
