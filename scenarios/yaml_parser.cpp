#include "scenarios/yaml_parser.hpp"

#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <map>
#include <optional>
#include <set>
#include <streambuf>
#include <utility>

#include "scenarios/text_checks.hpp"
#include "scenarios/utf8.hpp"

namespace scenarios {
namespace {

// The standard string streams copy; this one reads where the text lies.
class TextBuffer : public std::streambuf {
 public:
  explicit TextBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());
    setg(begin, begin, begin + text.size());
  }
};

std::vector<std::size_t> line_starts(std::string_view text) {
  std::vector<std::size_t> starts{0};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts.push_back(i + 1);
  }
  return starts;
}

// Builds the Node tree from parser events.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const Sources& sources, std::uint32_t source, std::size_t offset)
      : diagnostics_(sources),
        source_(source),
        whole_(sources[source].text),
        text_(std::string_view(whole_).substr(offset)),
        shift_(static_cast<int>(code_points(std::string_view(whole_).substr(0, offset)))),
        starts_(line_starts(text_)) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) {
      fail(mark, "only one document is allowed in a file", "remove what follows the first");
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add({}, mark, anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::sequence, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::mapping, mark, anchor);
  }
  void OnMapEnd() override { close(); }

  Node take_root() { return root_ ? std::move(*root_) : Node{}; }
  [[noreturn]] void translate(const YAML::Exception& error);
  [[noreturn]] void fail(const YAML::Mark& mark, std::string message, std::string hint) {
    diagnostics_.fatal(position(mark), std::move(message), std::move(hint));
  }

 private:
  struct Frame {
    Node node;
    YAML::anchor_t anchor = 0;
    std::size_t first_count = 0;           // node count when it was opened
    std::map<std::string, Position> seen;  // keys of a mapping
    std::optional<Entry> pending;          // key that waits for its value
  };
  struct Anchored {
    Node node;
    std::size_t size = 0;  // nodes, after expansion
  };

  Position position(const YAML::Mark& mark) const;
  std::size_t byte_offset(const YAML::Mark& mark) const;
  void count(std::size_t nodes, const YAML::Mark& mark, const char* what);
  void open(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor);
  void close();
  void add(Node node, const YAML::Mark& mark, YAML::anchor_t anchor);
  void attach(Node node);
  void take_key(Frame& frame, const Node& node);

  Diagnostics diagnostics_;
  std::uint32_t source_;
  const std::string& whole_;
  std::string_view text_;
  int shift_;  // columns before the text on its first line
  std::vector<std::size_t> starts_;
  std::size_t documents_ = 0;
  std::size_t nodes_ = 0;
  std::size_t last_offset_ = 0;
  std::vector<Frame> frames_;
  std::set<YAML::anchor_t> open_anchors_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::optional<Node> root_;
};

std::size_t TreeBuilder::byte_offset(const YAML::Mark& mark) const {
  if (mark.is_null()) return 0;
  const auto line = std::min(static_cast<std::size_t>(mark.line), starts_.size() - 1);
  return std::min(starts_[line] + static_cast<std::size_t>(mark.column), text_.size());
}

// yaml-cpp counts columns in bytes, from 0.
Position TreeBuilder::position(const YAML::Mark& mark) const {
  if (mark.is_null()) return {source_, 0, 0};
  const std::size_t offset = byte_offset(mark);
  const auto line = std::min(static_cast<std::size_t>(mark.line), starts_.size() - 1);
  const auto column = code_points(text_.substr(starts_[line], offset - starts_[line]));
  return {source_, static_cast<int>(line) + 1,
          static_cast<int>(column) + 1 + (line == 0 ? shift_ : 0)};
}

void TreeBuilder::count(std::size_t nodes, const YAML::Mark& mark, const char* what) {
  last_offset_ = byte_offset(mark);
  if (nodes > kMaxNodes - nodes_) {
    fail(mark, fmt::format("{} exceeds {} values", what, kMaxNodes),
         "a scenario needs a few hundred");
  }
  nodes_ += nodes;
}

void TreeBuilder::open(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (frames_.size() >= kMaxDepth) {
    fail(mark, fmt::format("nesting is deeper than {}", kMaxDepth), "");
  }
  const std::size_t before = nodes_;
  count(1, mark, "the file");
  Frame frame;
  frame.node.kind = kind;
  frame.node.at = position(mark);
  frame.anchor = anchor;
  frame.first_count = before;
  if (anchor != 0) open_anchors_.insert(anchor);
  frames_.push_back(std::move(frame));
}

void TreeBuilder::close() {
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  if (frame.anchor != 0) {
    open_anchors_.erase(frame.anchor);
    anchors_[frame.anchor] = {frame.node, nodes_ - frame.first_count};
  }
  attach(std::move(frame.node));
}

void TreeBuilder::add(Node node, const YAML::Mark& mark, YAML::anchor_t anchor) {
  count(1, mark, "the file");
  node.at = position(mark);
  if (anchor != 0) anchors_[anchor] = {node, 1};
  attach(std::move(node));
}

void TreeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
  Node node;
  node.kind = Node::Kind::scalar;
  node.quoted = tag == "!";  // yaml-cpp's mark of a scalar that is not plain
  node.text = value;
  if (tag != "!" && tag != "?" && !tag.empty()) {
    fail(mark, fmt::format("tags are not supported ({})", tag), "remove the tag");
  }
  add(std::move(node), mark, anchor);
}

void TreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (open_anchors_.contains(anchor)) {
    fail(mark, "the alias is inside the value it names", "an alias cannot contain itself");
  }
  const Anchored& named = anchors_.at(anchor);
  count(named.size, mark, "alias expansion");
  attach(named.node);
}

void TreeBuilder::attach(Node node) {
  if (frames_.empty()) {
    root_ = std::move(node);
    return;
  }
  Frame& frame = frames_.back();
  if (frame.node.is_sequence()) {
    frame.node.items.push_back(std::move(node));
  } else if (!frame.pending) {
    take_key(frame, node);
  } else {
    frame.pending->value = std::move(node);
    frame.node.entries.push_back(std::move(*frame.pending));
    frame.pending.reset();
  }
}

void TreeBuilder::take_key(Frame& frame, const Node& node) {
  if (!node.is_scalar()) {
    diagnostics_.fatal(node.at, fmt::format("a key must be a word, found {}", describe(node)));
  }
  if (node.text == "<<") {
    diagnostics_.fatal(node.at, "merge keys (<<) are not supported",
                       "use `extends: other.yaml`, or repeat the keys");
  }
  const auto [earlier, inserted] = frame.seen.emplace(node.text, node.at);
  if (!inserted) {
    diagnostics_.fatal(node.at,
                       fmt::format("duplicate key `{}`, first set at {}:{}", node.text,
                                   earlier->second.line, earlier->second.column),
                       "keep one of the two");
  }
  if (frame.seen.size() > kMaxKeysOfMapping) {
    diagnostics_.fatal(node.at, fmt::format("more than {} keys in one mapping", kMaxKeysOfMapping));
  }
  frame.pending = Entry{node.text, node.at, {}};
}

// Our own words for the faults people make most, with the place where the fault began.
void TreeBuilder::translate(const YAML::Exception& error) {
  const std::string_view message = error.msg;
  if (message.find("end of") != std::string_view::npos && !frames_.empty()) {
    const Position opened = frames_.back().node.at;
    diagnostics_.fatal(
        opened,
        fmt::format("this {} is never closed", frames_.back().node.is_mapping() ? "{" : "["),
        fmt::format("the parser gave up at {}:{}", position(error.mark).line,
                    position(error.mark).column));
  }
  if (message.find("EOF") != std::string_view::npos ||
      message.find("document indicator") != std::string_view::npos) {
    if (const auto quote = unclosed_quote(text_, last_offset_)) {
      const LineColumn at = line_column(text_, *quote);
      diagnostics_.fatal({source_, at.line, at.column + (at.line == 1 ? shift_ : 0)},
                         "this quote is never closed", "close it on the same line");
    }
  }
  fail(error.mark, fmt::format("not valid YAML: {}", message), "");
}

Node parse_text(const Sources& sources, std::uint32_t source, std::size_t offset) {
  TreeBuilder builder(sources, source, offset);
  TextBuffer buffer(std::string_view(sources[source].text).substr(offset));
  std::istream stream(&buffer);
  try {
    YAML::Parser parser(stream);
    // At most twice: a second document (or text after the first) throws in OnDocumentStart.
    if (parser.HandleNextDocument(builder)) parser.HandleNextDocument(builder);
  } catch (const YAML::Exception& error) {
    builder.translate(error);
  }
  return builder.take_root();
}

}  // namespace

Node parse_document(const Sources& sources, std::uint32_t source) {
  const std::string& text = sources[source].text;
  Diagnostics diagnostics(sources);
  const auto refuse = [&](const TextFault& fault) {
    const LineColumn at = line_column(text, fault.offset);
    diagnostics.fatal({source, at.line, at.column}, fault.message, fault.hint);
  };
  if (const auto fault = check_text(text)) refuse(*fault);
  Node root = parse_text(sources, source, 0);
  if (root.is_mapping()) return root;
  if (const auto fault = look_alike(text)) refuse(*fault);
  diagnostics.fatal(
      {source, std::max(root.at.line, 1), std::max(root.at.column, 1)},
      fmt::format("expected a mapping (`key: value` lines), found {}", describe(root)));
}

Node parse_value(const Sources& sources, std::uint32_t source, std::size_t offset) {
  const std::string& text = sources[source].text;
  Diagnostics diagnostics(sources);
  if (const auto bad = first_invalid_utf8(text)) {
    diagnostics.fatal({source, 1, 1}, "not valid UTF-8");
  }
  Node node = parse_text(sources, source, offset);
  if (node.at.line == 0) {
    node.at = {source, 1, static_cast<int>(code_points(text)) + 1};
  }
  return node;
}

}  // namespace scenarios
