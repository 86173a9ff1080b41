// Writes messages of protocol buffers (protobuf.dev/programming-guides/encoding): a field is its
// number and wire type, then a varint, or a length and as many bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace formats {

class ProtobufWriter {
 public:
  void number(std::uint32_t field, std::uint64_t value) {
    varint(std::uint64_t{field} << 3);
    varint(value);
  }
  void text(std::uint32_t field, std::string_view value) {
    varint(std::uint64_t{field} << 3 | 2);
    delimited(value);
  }
  void message(std::uint32_t field, const ProtobufWriter& value) { text(field, value.bytes_); }
  void packed(std::uint32_t field, std::span<const std::uint64_t> values) {
    ProtobufWriter list;
    for (const std::uint64_t value : values) list.varint(value);
    message(field, list);
  }
  // As an entry of a stream of messages: its length before it.
  void entry(const ProtobufWriter& value) { delimited(value.bytes_); }

  void clear() { bytes_.clear(); }
  const std::string& bytes() const { return bytes_; }
  std::string take() { return std::move(bytes_); }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>((value & 0x7f) | 0x80);
    bytes_ += static_cast<char>(value);
  }
  void delimited(std::string_view value) {
    varint(value.size());
    bytes_ += value;
  }

  std::string bytes_;
};

}  // namespace formats
