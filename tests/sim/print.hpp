// How Catch2 shows the engine's types when a check fails.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "sim/units.hpp"

namespace Catch {

template <>
struct StringMaker<sim::Time> {
  static std::string convert(sim::Time time) { return std::to_string(time.count()) + " ps"; }
};

template <>
struct StringMaker<sim::Bytes> {
  static std::string convert(sim::Bytes bytes) { return std::to_string(bytes.count()) + " B"; }
};

}  // namespace Catch
