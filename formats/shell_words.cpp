#include "formats/shell_words.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "formats/shell_arithmetic.hpp"
#include "formats/shell_chars.hpp"

namespace formats {
namespace {

// Variables that double themselves line by line end here.
constexpr std::size_t kMostExpanded = std::size_t{4} << 20U;

constexpr int kDeepest = 32;

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  ShellScript read() {
    while (at_ < text_.size() && expanded_ <= kMostExpanded) step();
    end_command();
    for (const auto& [name, offset] : conditional_) {
      if (taken_.contains(name)) out_.conditional = std::min(out_.conditional, offset);
    }
    for (const auto& [name, fields] : variables_) {
      if (taken_.contains(name)) continue;
      for (const ShellChars& field : fields) {
        for (const ShellChars& part : split(field)) {
          out_.held.push_back({part.text, part.at.front(), false});
        }
      }
    }
    return std::move(out_);
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  bool continued() {  // a line end behind a backslash
    const std::size_t length = text_.substr(at_).starts_with("\\\r\n") ? 3 : 2;
    if (length == 2 && !text_.substr(at_).starts_with("\\\n")) return false;
    at_ += length;
    return true;
  }

  void step() {
    const char c = peek();
    if (is_shell_blank(c)) {
      ++at_;
    } else if (c == '\\' && continued()) {
    } else if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == '<' || c == '>') {
      at_ += peek(1) == '&' || peek(1) == c ? 2 : 1;
    } else if (std::string_view("\n;&|()").find(c) != std::string_view::npos) {
      ++at_;
      end_command();
    } else if (command_start() && assignment()) {
    } else {
      for (const ShellChars& field : word()) push(field);
    }
  }

  void end_command() {
    if (!out_.words.empty() && !out_.words.back().ends_command)
      out_.words.push_back({{}, at_, true});
  }

  // Only words that an assignment may follow stand in this command.
  bool command_start() const {
    constexpr std::array kBefore{"export", "local", "declare", "readonly", "then",
                                 "else",   "do",    "env",     "-x"};
    for (auto word = out_.words.rbegin(); word != out_.words.rend(); ++word) {
      if (word->ends_command) return true;
      if (std::find(kBefore.begin(), kBefore.end(), word->text) == kBefore.end()) return false;
    }
    return true;
  }

  void push(const ShellChars& field) {
    if (out_.words.empty() || out_.words.back().ends_command) {
      if (field.text == "if" || field.text == "case") ++conditions_;
      if (field.text == "fi" || field.text == "esac") --conditions_;
    }
    // A command line inside a word, as for `bash -c`.
    const bool line = field.text.find("--") != std::string::npos &&
                      field.text.find_first_of(" \t\n") != std::string::npos;
    for (const ShellChars& part : line ? split(field) : ShellFields{field}) {
      out_.words.push_back({part.text, part.at.empty() ? at_ : part.at.front(), false});
    }
  }

  bool assignment() {
    std::size_t end = at_;
    while (end < text_.size() && is_shell_name(text_[end])) ++end;
    const std::string name(text_.substr(at_, end - at_));
    const bool more = text_.substr(end).starts_with("+=");
    if (name.empty() || (!more && (end >= text_.size() || text_[end] != '='))) return false;
    if (conditions_ > 0) conditional_.try_emplace(name, at_);
    at_ = end + (more ? 2 : 1);
    ShellFields value;
    if (peek() == '(') {
      ++at_;
      value = array();
    } else {
      ShellChars joined;
      for (const ShellChars& field : word()) {
        if (!joined.text.empty()) joined.add(' ', field.at.empty() ? at_ : field.at.front());
        joined.add(field);
      }
      value.push_back(joined);
    }
    ShellFields& held = variables_[name];
    if (more && held.size() == 1 && value.size() == 1) {
      held.front().add(value.front());
    } else if (more) {
      held.insert(held.end(), value.begin(), value.end());
    } else {
      held = std::move(value);
    }
    return true;
  }

  ShellFields array() {
    ShellFields out;
    while (at_ < text_.size() && peek() != ')') {
      if (is_shell_blank(peek()) || peek() == '\n') {
        ++at_;
      } else if (peek() == '\\' && continued()) {
      } else if (peek() == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (std::string_view(";&|(<>").find(peek()) != std::string_view::npos) {
        ++at_;
      } else {
        const ShellFields more = word();
        out.insert(out.end(), more.begin(), more.end());
      }
    }
    if (at_ < text_.size()) ++at_;
    return out;
  }

  // One word up to a blank or separator; several or none where expansions say so.
  ShellFields word() {
    ShellFields fields;
    ShellChars current;
    bool open = false;
    const auto take = [&](const ShellFields& values, bool whole) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        const ShellFields parts = whole ? ShellFields{values[i]} : split(values[i]);
        for (std::size_t k = 0; k < parts.size(); ++k) {
          if (open && (i > 0 || k > 0)) fields.push_back(std::exchange(current, {}));
          current.add(parts[k]);
          open = true;
        }
      }
    };
    while (at_ < text_.size()) {
      const char c = peek();
      if (is_shell_blank(c) || std::string_view("\n;&|()<>").find(c) != std::string_view::npos)
        break;
      if (c == '\\') {
        if (continued()) break;
        ++at_;
        if (at_ < text_.size()) current.add(text_[at_], at_);
        ++at_;
        open = true;
      } else if (c == '\'') {
        for (++at_; at_ < text_.size() && peek() != '\''; ++at_) current.add(peek(), at_);
        ++at_;
        open = true;
      } else if (c == '"') {
        ++at_;
        open = true;
        while (at_ < text_.size() && peek() != '"') {
          if (peek() == '$' || peek() == '`') {
            take(expansion(), true);
          } else if (peek() == '\\' && continued()) {
          } else {
            if (peek() == '\\' &&
                std::string_view("\"$`\\").find(peek(1)) != std::string_view::npos)
              ++at_;
            current.add(peek(), at_);
            ++at_;
          }
        }
        ++at_;
      } else if (c == '$' || c == '`') {
        take(expansion(), false);
      } else {
        current.add(c, at_++);
        open = true;
      }
    }
    if (open) fields.push_back(std::move(current));
    return fields;
  }

  ShellFields unset(std::string name, std::size_t offset) {
    if (name != "@" && name != "*") out_.unset.push_back({std::move(name), offset});
    return {};
  }

  // At `$` or a backquote: what it stands for.
  ShellFields expansion() {
    const std::size_t begin = at_;
    if (peek() == '`') {
      at_ = std::min(text_.find('`', at_ + 1), text_.size()) + 1;
      return unset("`...`", begin);
    }
    if (peek(1) == '(') {
      const std::size_t end = closing(text_, at_ + 1, '(', ')');
      const std::string_view inside = text_.substr(at_ + 2, end - at_ - 2);
      at_ = end + 1;
      if (!inside.starts_with('(')) return unset("$(...)", begin);
      const auto value = shell_arithmetic(inside, [&](const std::string& name) {
        const auto held = variables_.find(name);
        return held == variables_.end() || held->second.empty() ? "" : held->second.front().text;
      });
      if (!value) return unset("$((...))", begin);
      ShellChars chars;
      for (const char c : std::to_string(*value)) chars.add(c, begin);
      return {chars};
    }
    if (peek(1) == '{') {
      const std::size_t end = closing(text_, at_ + 1, '{', '}');
      const std::size_t inside = at_ + 2;
      at_ = end + 1;
      return braces(inside, std::min(end, text_.size()), begin);
    }
    std::size_t end = at_ + 1;
    while (end < text_.size() && is_shell_name(text_[end])) ++end;
    if (end == at_ + 1) {  // $@, $*, $#, or a dollar sign alone
      at_ = std::min(end + 1, text_.size());
      return unset(std::string(text_.substr(begin + 1, 1)), begin);
    }
    at_ = end;
    return value_of(std::string(text_.substr(begin + 1, end - begin - 1)), begin);
  }

  ShellFields value_of(const std::string& name, std::size_t offset) {
    const auto held = variables_.find(name);
    if (held == variables_.end()) return unset(name, offset);
    taken_.insert(name);
    for (const ShellChars& field : held->second) expanded_ += field.text.size() + 1;
    return expanded_ > kMostExpanded ? ShellFields{} : held->second;
  }

  // ${NAME}, ${NAME[@]}, ${NAME:-default}
  ShellFields braces(std::size_t begin, std::size_t end, std::size_t offset) {
    std::size_t name_end = begin;
    while (name_end < end && is_shell_name(text_[name_end])) ++name_end;
    const std::string name(text_.substr(begin, name_end - begin));
    const std::string_view rest = text_.substr(name_end, end - name_end);
    if (rest.empty() || rest == "[@]" || rest == "[*]") {
      return value_of(name.empty() ? "@" : name, offset);
    }
    const std::size_t sign = rest.starts_with(':') ? 1 : 0;
    if (rest.size() <= sign || (rest[sign] != '-' && rest[sign] != '=')) return unset(name, offset);
    if (variables_.contains(name)) return value_of(name, offset);
    if (depth_ == kDeepest) return unset(name, offset);
    ++depth_;
    // The default is words of its own.
    const std::size_t back = at_;
    const std::string_view whole = text_;
    text_ = whole.substr(0, end);
    at_ = name_end + sign + 1;
    ShellFields out = word();
    text_ = whole;
    at_ = back;
    --depth_;
    if (rest[sign] == '=') variables_[name] = out;
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int conditions_ = 0;
  int depth_ = 0;             // defaults inside defaults
  std::size_t expanded_ = 0;  // characters that variables have stood for
  std::set<std::string> taken_;
  std::map<std::string, std::size_t> conditional_;  // assigned under a condition, and where
  std::map<std::string, ShellFields> variables_;
  ShellScript out_;
};

}  // namespace

ShellScript read_shell(std::string_view text) { return Reader(text).read(); }

}  // namespace formats
