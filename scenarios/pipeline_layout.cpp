#include "scenarios/pipeline_layout.hpp"

#include <fmt/core.h>

#include <cctype>
#include <stdexcept>

namespace scenarios {
namespace {

constexpr std::size_t kMostLetters = 100'000;

// What is wrong, and after how many characters.
struct LayoutError {
  std::string problem;
  std::size_t at;
};

// Repetitions written out: letters and bars alone, each with its place in the text.
class Expansion {
 public:
  explicit Expansion(std::string_view text) : text_(text) {}

  std::string run() {
    std::string out = sequence(false);
    if (at_ < text_.size()) throw LayoutError{"a ')' without its '('", at_};
    return out;
  }

 private:
  bool skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == ',')) ++at_;
    return at_ < text_.size();
  }

  std::string sequence(bool inside) {
    std::string out;
    while (skip() && text_[at_] != ')') {
      out += repeated(item());
      if (out.size() > kMostLetters) throw LayoutError{"too many layers", at_};
    }
    if (inside && at_ == text_.size()) throw LayoutError{"a '(' without its ')'", at_};
    return out;
  }

  std::string item() {
    const char c = text_[at_];
    if (c == '(') {
      ++at_;
      std::string out = sequence(true);
      ++at_;
      return out;
    }
    if (std::string_view("EtmL|").find(c) == std::string_view::npos) {
      throw LayoutError{fmt::format("'{}' is none of E, t, m, L, |, (, ), *", c), at_};
    }
    ++at_;
    return std::string(1, c);
  }

  std::string repeated(const std::string& item) {
    if (!skip() || text_[at_] != '*') return item;
    ++at_;
    std::size_t times = 0;
    std::size_t digits = 0;
    while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0) {
      times = std::min<std::size_t>(times * 10 + static_cast<std::size_t>(text_[at_++] - '0'),
                                    kMostLetters + 1);
      ++digits;
    }
    if (digits == 0) throw LayoutError{"a '*' without a number", at_};
    if (times * item.size() > kMostLetters) throw LayoutError{"too many layers", at_};
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += item;
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::string order_problem(const std::string& letters) {
  const std::size_t bars = letters.find('|');
  if (letters.find('E') != 0 || letters.rfind('E') != 0) {
    return "the layout must begin with E, the embedding, and have one";
  }
  if (letters.find('L') != letters.size() - 1) {
    return "the layout must end with L, head and loss, and have one";
  }
  const std::size_t mtp = letters.find('m');
  if (mtp != std::string::npos && letters.find('t', mtp) != std::string::npos) {
    return "multi-token-prediction layers (m) must follow all layers (t)";
  }
  const std::size_t last = letters.rfind('m');
  if (mtp != std::string::npos && letters.find('|', mtp) < last) {
    return "multi-token-prediction layers (m) must be in one chunk";
  }
  return bars == 0 ? "the layout must begin with E" : "";
}

}  // namespace

PipelineLayout parse_pipeline_layout(std::string_view text) {
  PipelineLayout out;
  try {
    const std::string letters = Expansion(text).run();
    out.problem = order_problem(letters);
    out.layers.assign(1, 0);
    for (const char c : letters) {
      if (c == '|') out.layers.push_back(0);
      if (c == 't') ++out.layers.back();
      if (c != 'm') continue;
      ++out.mtp_layers;
      out.mtp_piece = static_cast<std::int64_t>(out.layers.size()) - 1;
    }
  } catch (const LayoutError& error) {
    out.problem = fmt::format("{}, at character {}", error.problem, error.at + 1);
  }
  return out;
}

}  // namespace scenarios
