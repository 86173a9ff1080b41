#include "formats/shell_arithmetic.hpp"

#include <limits>

#include "formats/benchmark_text.hpp"

namespace formats {
namespace {

constexpr int kDeepest = 64;  // parentheses

class Arithmetic {
 public:
  Arithmetic(std::string_view text, const std::function<std::string(const std::string&)>& variable)
      : text_(text), variable_(variable) {}

  std::optional<std::int64_t> value() {
    const std::int64_t out = sum();
    skip();
    return good_ && at_ == text_.size() ? std::optional(out) : std::nullopt;
  }

 private:
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  char next() {
    skip();
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  std::int64_t sum() {
    std::int64_t out = product();
    while (good_ && (next() == '+' || next() == '-')) {
      const bool minus = text_[at_++] == '-';
      const std::int64_t right = product();
      good_ = good_ && !(minus ? __builtin_sub_overflow(out, right, &out)
                               : __builtin_add_overflow(out, right, &out));
    }
    return out;
  }

  std::int64_t product() {
    std::int64_t out = factor();
    while (good_ && (next() == '*' || next() == '/' || next() == '%')) {
      const char sign = text_[at_++];
      const std::int64_t right = factor();
      if (sign == '*') {
        good_ = good_ && !__builtin_mul_overflow(out, right, &out);
      } else if (right <= 0) {
        good_ = false;
      } else {
        out = sign == '/' ? out / right : out % right;
      }
    }
    return out;
  }

  std::int64_t factor() {
    if (next() == '(') {
      if (++depth_ > kDeepest) return fail();
      ++at_;
      const std::int64_t out = sum();
      --depth_;
      if (next() != ')') return fail();
      ++at_;
      return out;
    }
    if (next() == '$') ++at_;
    const bool braced = next() == '{';
    if (braced) ++at_;
    std::size_t end = at_;
    while (end < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[end])) != 0 || text_[end] == '_')) {
      ++end;
    }
    const std::string word(text_.substr(at_, end - at_));
    at_ = end;
    if (braced && (at_ >= text_.size() || text_[at_++] != '}')) return fail();
    auto number = count_of(word);
    if (!number && !word.empty()) number = count_of(variable_(word));
    return number ? *number : fail();
  }

  std::int64_t fail() {
    good_ = false;
    return 0;
  }

  std::string_view text_;
  const std::function<std::string(const std::string&)>& variable_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool good_ = true;
};

}  // namespace

std::optional<std::int64_t> shell_arithmetic(
    std::string_view text, const std::function<std::string(const std::string&)>& variable) {
  return Arithmetic(text, variable).value();
}

}  // namespace formats
