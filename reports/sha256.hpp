// SHA-256 (FIPS 180-4) of a text: result digests, and the script hash of an HTML page's policy.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace reports {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(std::string_view text);
std::string hex(const Digest& digest);
std::string base64(const Digest& digest);

}  // namespace reports
