#include "formats/megatron_pattern.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "formats/benchmark_text.hpp"

namespace formats {
namespace {

using Pattern = std::vector<std::int64_t>;

constexpr int kDeepest = 32;  // parentheses

// sum := product {+ product}; product := atom {* number}; atom := ( sum ) | [ numbers ]
class Parser {
 public:
  Parser(std::string_view text, std::size_t most) : most_(most) {
    for (const char c : text) {
      if (c != ' ') text_ += c;
    }
  }

  std::optional<Pattern> read() {
    Pattern out = sum();
    return good_ && at_ == text_.size() ? std::optional(out) : std::nullopt;
  }

 private:
  bool eat(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Pattern sum() {
    Pattern out = product();
    while (good_ && eat('+')) {
      const Pattern more = product();
      out.insert(out.end(), more.begin(), more.end());
      if (out.size() > most_) good_ = false;
    }
    return out;
  }

  Pattern product() {
    Pattern out = atom();
    while (good_ && eat('*')) {
      const auto times = static_cast<std::size_t>(number());
      if (out.size() * times > most_) good_ = false;
      if (!good_) break;
      Pattern repeated;
      for (std::size_t i = 0; i < times; ++i) {
        repeated.insert(repeated.end(), out.begin(), out.end());
      }
      out = std::move(repeated);
    }
    return out;
  }

  Pattern atom() {
    Pattern out;
    if (++depth_ > kDeepest) good_ = false;
    if (good_ && eat('(')) {
      out = sum();
      good_ = good_ && eat(')');
    } else if (good_ && eat('[')) {
      do {
        out.push_back(number());
      } while (good_ && eat(','));
      good_ = good_ && eat(']') && out.size() <= most_;
    } else {
      good_ = false;
    }
    --depth_;
    return out;
  }

  std::int64_t number() {
    std::size_t end = at_;
    while (end < text_.size() && text_[end] >= '0' && text_[end] <= '9') ++end;
    const auto value = count_of(std::string_view(text_).substr(at_, end - at_));
    good_ = good_ && value && *value <= static_cast<std::int64_t>(most_);
    at_ = end;
    return good_ ? *value : 0;
  }

  std::string text_;
  std::size_t most_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool good_ = true;
};

}  // namespace

std::optional<Pattern> layer_pattern(std::string_view text, std::size_t most) {
  return Parser(text, most).read();
}

Pattern pattern_of(ExpertLayers layers, std::int64_t count) {
  Pattern out;
  for (std::int64_t layer = 0; layer < count; ++layer) {
    const bool experts =
        layer >= layers.first_dense && (layer - layers.first_dense + 1) % layers.every == 0;
    out.push_back(experts ? 1 : 0);
  }
  return out;
}

std::optional<ExpertLayers> expert_layers(const Pattern& pattern) {
  const auto count = static_cast<std::int64_t>(pattern.size());
  const auto first = std::find(pattern.begin(), pattern.end(), 1);
  if (first == pattern.end()) return std::nullopt;
  const auto second = std::find(first + 1, pattern.end(), 1);
  ExpertLayers layers;
  layers.every = second - first;  // with one alone: as far as the end
  layers.first_dense = (first - pattern.begin()) - layers.every + 1;
  if (layers.first_dense < 0 || pattern_of(layers, count) != pattern) return std::nullopt;
  return layers;
}

std::string pattern_text(const Pattern& pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size();) {
    std::size_t end = i;
    while (end < pattern.size() && pattern[end] == pattern[i]) ++end;
    out += fmt::format("{}[{}]*{}", out.empty() ? "" : "+", pattern[i], end - i);
    i = end;
  }
  return "(" + out + ")";
}

}  // namespace formats
