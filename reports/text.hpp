// How numbers are shown to people, and how foreign text is made harmless for each output.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "collectives/library.hpp"
#include "scenarios/scenario.hpp"
#include "sim/units.hpp"

namespace reports {

// Seconds as the nearest double of the exact decimal: prints with at most 12 decimals.
inline double exact_seconds(sim::Time time) { return static_cast<double>(time.count()) / 1e12; }

std::string time_text(sim::Time time);                     // "23.41 s", "412.3 ms", "1.25 us"
std::string signed_time_text(sim::Time time);              // the same with + or −
std::string gib_text(sim::Bytes amount);                   // "61.30 GiB"
std::string percent_text(double share);                    // 0.4123 -> "41.2 %"
std::string grouped(std::int64_t count);                   // 16384 -> "16,384"
std::string si_text(double value, std::string_view unit);  // 4.085e19, "FLOP" -> "40.85 EFLOP"

std::string_view source_text(collectives::PriceSource source);  // "measured", "model", …

// Whether the device's figures are of the calibration file, and not named by the scenario.
bool device_is_calibrated(const scenarios::Scenario& scenario);

// An RFC 4180 cell. Text that a spreadsheet would take for a formula gets a leading apostrophe.
std::string csv_cell(std::string_view text);

// JSON text that can stand inside <script type="application/json">.
std::string script_safe(std::string_view json);

// For element content and attribute values of HTML. Invalid UTF-8 becomes U+FFFD.
std::string html_text(std::string_view text);

}  // namespace reports
