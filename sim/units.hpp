// Strong types for simulated time, bytes, FLOPs and their rates.
//
// Time is a whole number of picoseconds (range 106 days) and Bytes a whole number of bytes, so sums
// are exact and independent of order. Rates are doubles. There is one rounding point: where an
// amount divided by a rate becomes a Time, it is rounded up (see ceil_ps()).
#pragma once

#include <cmath>
#include <compare>
#include <cstdint>
#include <limits>
#include <stdexcept>

#include "sim/contracts.hpp"

namespace sim {

// Whole picoseconds for a positive quotient, rounded up. Forgives a relative error of 2^-48, so
// that the rounding of doubles does not turn an exact result into the next picosecond.
inline double ceil_ps(double picoseconds) {
  constexpr double kForgiven = 1.0 - 0x1p-48;
  return std::ceil(picoseconds * kForgiven);
}

// A duration or an instant beyond what Time holds. Not a bug: inputs may be that slow, and whoever
// reads them says which (scenarios/predict.cpp).
class TimeOverflow : public std::range_error {
 public:
  TimeOverflow() : std::range_error("a time beyond 106 days") {}
};

class Time {
 public:
  constexpr Time() = default;
  static constexpr Time ps(std::int64_t count) { return Time{count}; }
  static constexpr Time ns(std::int64_t count) { return Time{count * 1'000}; }
  static constexpr Time us(std::int64_t count) { return Time{count * 1'000'000}; }
  static constexpr Time zero() { return Time{0}; }
  static constexpr Time max() { return Time{std::numeric_limits<std::int64_t>::max()}; }
  // Rounds up to the next picosecond; throws TimeOverflow from 9.2e6 s (106 days) on. So do sums
  // and multiples. REQUIRES: seconds >= 0.
  static Time from_seconds(double seconds) {
    SIM_EXPECTS(seconds >= 0.0, "no time is negative");
    if (seconds >= 9.2e6) throw TimeOverflow();
    return Time{static_cast<std::int64_t>(ceil_ps(seconds * 1e12))};
  }

  constexpr std::int64_t count() const { return ps_; }
  constexpr double seconds() const { return static_cast<double>(ps_) * 1e-12; }

  constexpr auto operator<=>(const Time&) const = default;
  constexpr Time& operator+=(Time other) { return *this = *this + other; }
  constexpr Time& operator-=(Time other) {
    ps_ -= other.ps_;
    return *this;
  }
  friend constexpr Time operator+(Time a, Time b) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(a.ps_, b.ps_, &sum)) throw TimeOverflow();
    return Time{sum};
  }
  friend constexpr Time operator-(Time a, Time b) { return Time{a.ps_ - b.ps_}; }
  friend constexpr Time operator*(Time a, std::int64_t k) {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(a.ps_, k, &product)) throw TimeOverflow();
    return Time{product};
  }
  friend constexpr Time operator*(std::int64_t k, Time a) { return a * k; }

 private:
  constexpr explicit Time(std::int64_t count) : ps_(count) {}
  std::int64_t ps_ = 0;
};

class Bytes {
 public:
  constexpr Bytes() = default;
  constexpr explicit Bytes(std::int64_t count) : count_(count) {}
  // Rounds up. REQUIRES: 0 <= value < 9.2e18.
  static Bytes ceil(double value) {
    SIM_EXPECTS(value >= 0.0 && value < 9.2e18, "byte count out of range");
    return Bytes{static_cast<std::int64_t>(std::ceil(value))};
  }

  constexpr std::int64_t count() const { return count_; }
  constexpr double as_double() const { return static_cast<double>(count_); }
  constexpr double gib() const { return as_double() / (1024.0 * 1024.0 * 1024.0); }

  constexpr auto operator<=>(const Bytes&) const = default;
  constexpr Bytes& operator+=(Bytes other) {
    count_ += other.count_;
    return *this;
  }
  constexpr Bytes& operator-=(Bytes other) {
    count_ -= other.count_;
    return *this;
  }
  friend constexpr Bytes operator+(Bytes a, Bytes b) { return Bytes{a.count_ + b.count_}; }
  friend constexpr Bytes operator-(Bytes a, Bytes b) { return Bytes{a.count_ - b.count_}; }
  friend constexpr Bytes operator*(Bytes a, std::int64_t k) { return Bytes{a.count_ * k}; }
  friend constexpr Bytes operator*(std::int64_t k, Bytes a) { return a * k; }

 private:
  std::int64_t count_ = 0;
};

// Bytes per second, in one direction.
class Bandwidth {
 public:
  constexpr Bandwidth() = default;
  constexpr explicit Bandwidth(double bytes_per_second) : value_(bytes_per_second) {}
  static constexpr Bandwidth gb_per_s(double value) { return Bandwidth{value * 1e9}; }
  constexpr double bytes_per_second() const { return value_; }
  constexpr auto operator<=>(const Bandwidth&) const = default;
  friend constexpr Bandwidth operator*(Bandwidth a, double k) { return Bandwidth{a.value_ * k}; }

 private:
  double value_ = 0.0;
};

// Floating-point operations; a double because one step of a large model exceeds 2^63.
class Flops {
 public:
  constexpr Flops() = default;
  constexpr explicit Flops(double count) : count_(count) {}
  constexpr double count() const { return count_; }
  constexpr auto operator<=>(const Flops&) const = default;
  constexpr Flops& operator+=(Flops other) {
    count_ += other.count_;
    return *this;
  }
  friend constexpr Flops operator+(Flops a, Flops b) { return Flops{a.count_ + b.count_}; }
  friend constexpr Flops operator*(Flops a, double k) { return Flops{a.count_ * k}; }

 private:
  double count_ = 0.0;
};

// Floating-point operations per second.
class FlopRate {
 public:
  constexpr FlopRate() = default;
  constexpr explicit FlopRate(double per_second) : value_(per_second) {}
  static constexpr FlopRate tflops(double value) { return FlopRate{value * 1e12}; }
  constexpr double per_second() const { return value_; }
  constexpr auto operator<=>(const FlopRate&) const = default;
  friend constexpr FlopRate operator*(FlopRate a, double k) { return FlopRate{a.value_ * k}; }

 private:
  double value_ = 0.0;
};

inline Time operator/(Bytes amount, Bandwidth rate) {
  SIM_EXPECTS(rate.bytes_per_second() > 0.0, "bandwidth must be positive");
  return Time::from_seconds(amount.as_double() / rate.bytes_per_second());
}

inline Time operator/(Flops amount, FlopRate rate) {
  SIM_EXPECTS(rate.per_second() > 0.0, "FLOP rate must be positive");
  return Time::from_seconds(amount.count() / rate.per_second());
}

}  // namespace sim
