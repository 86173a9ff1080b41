// Times of a program on one rank.
#include <algorithm>

#include "studies/search_units.hpp"

namespace studies {
namespace {

// Runs through a program in order, from one moment at which nothing is under way to the next.
class ProgramClock {
 public:
  ProgramClock(const strategies::Program& program, const GroupShapes& shapes, QuietPrices& prices,
               double stretch)
      : program_(program), shapes_(shapes), prices_(prices), stretch_(stretch) {
    finish_.assign(program.size(), 0.0);
    waited_.fill(-1);
    last_.fill(-1);
  }

  ProgramTimes run() {
    for (strategies::OpIndex i = 0; i < program_.size(); ++i) step(i);
    if (!after_) close(std::max(end_, base_));
    out_.passes = after_ ? passes_ : base_;
    return out_;
  }

 private:
  static std::size_t stream(const strategies::Op& op) {
    return static_cast<std::size_t>(op.stream);
  }

  void step(strategies::OpIndex i) {
    const strategies::Op& op = program_.op(i);
    const bool compute = op.kind == strategies::OpKind::compute;
    const bool in_pass = op.micro_batch >= 0;
    double start = std::max(free_[stream(op)], base_);
    for (const strategies::OpIndex d : program_.dependencies(i)) {
      start = std::max(start, finish_[d]);
      auto& waited = waited_[stream(program_.op(d))];
      waited = std::max(waited, static_cast<std::int64_t>(d));
    }
    if (compute && quiet()) start = close(start);
    passed_ = passed_ || in_pass;
    if (passed_ && !in_pass && compute && !after_) {
      after_ = true;
      passes_ = close(start);
      start = std::max(start, passes_);
    }
    const double work = counts(op, in_pass) ? work_of(op, compute, in_pass) : 0.0;
    finish_[i] = free_[stream(op)] = start + work;
    if (!compute) last_[stream(op)] = i;
    if (compute) end_ = finish_[i];
  }

  static bool counts(const strategies::Op& op, bool in_pass) {
    return in_pass && op.stream != strategies::Stream::reduce;
  }

  double work_of(const strategies::Op& op, bool compute, bool in_pass) {
    if (compute) {
      const double work = static_cast<double>(op.duration.count()) * stretch_;
      if (in_pass) out_.busy += work;
      busy_ += work;
      return work;
    }
    const QuietPrices::Price price = prices_.price(op, shapes_);
    if (in_pass) out_.busy += price.time * price.share;
    busy_ += price.time * price.share;
    return price.time;
  }

  // Whether all communication begun is over when the next compute starts.
  bool quiet() const {
    for (std::size_t s = 0; s < last_.size(); ++s) {
      if (last_[s] > waited_[s]) return false;
    }
    return true;
  }

  double close(double start) {
    base_ = std::max(start, base_ + busy_);
    busy_ = 0.0;
    return base_;
  }

  const strategies::Program& program_;
  const GroupShapes& shapes_;
  QuietPrices& prices_;
  double stretch_;
  ProgramTimes out_;
  std::vector<double> finish_;
  std::array<double, strategies::kStreams> free_{};
  std::array<std::int64_t, strategies::kStreams> last_{};    // begun on each stream
  std::array<std::int64_t, strategies::kStreams> waited_{};  // waited for by some compute
  double base_ = 0.0;                                        // the last quiet moment
  double busy_ = 0.0;  // compute since then, and what transfers took from it
  double end_ = 0.0;   // of the last compute
  double passes_ = 0.0;
  bool passed_ = false;
  bool after_ = false;
};

}  // namespace

ProgramTimes time_program(const strategies::Program& program, const GroupShapes& shapes,
                          QuietPrices& prices, double stretch) {
  return ProgramClock(program, shapes, prices, stretch).run();
}

}  // namespace studies
