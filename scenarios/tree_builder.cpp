#include "scenarios/tree_builder.hpp"

#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstdint>
#include <istream>
#include <map>
#include <optional>
#include <set>
#include <streambuf>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scenarios/text_checks.hpp"
#include "scenarios/utf8.hpp"
#include "scenarios/yaml_parser.hpp"

namespace scenarios {
namespace {

// Builds the Node tree from parser events.
class TreeBuilder : public YAML::EventHandler {
 public:
  // Of the text of sources[source] from byte `offset` on.
  TreeBuilder(const Sources& sources, std::uint32_t source, std::size_t offset);

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
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(Node::Kind::sequence, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
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
    std::size_t depth = 1;
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
  void refuse_tag(const YAML::Mark& mark, const std::string& tag);
  void refuse_unclosed(const YAML::Mark& mark);
  void count(std::size_t nodes, const YAML::Mark& mark, const char* what);
  void open(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor);
  void close();
  void add(Node node, const YAML::Mark& mark, YAML::anchor_t anchor);
  void attach(Node node);
  void take_key(Frame& frame, const Node& node);

  Diagnostics diagnostics_;
  std::uint32_t source_;
  std::string_view text_;
  int shift_;  // columns before the text on its first line
  std::vector<std::size_t> starts_;
  struct LastPosition {
    std::size_t line = 0, offset = 0, points = 0;
  };
  mutable LastPosition last_;
  std::size_t documents_ = 0;
  std::size_t nodes_ = 0;
  std::vector<Frame> frames_;
  std::set<YAML::anchor_t> open_anchors_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::optional<Node> root_;
};

std::vector<std::size_t> line_starts(std::string_view text) {
  std::vector<std::size_t> starts{0};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts.push_back(i + 1);
  }
  return starts;
}

// The standard string streams copy; this one reads where the text lies.
class TextBuffer : public std::streambuf {
 public:
  explicit TextBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());
    setg(begin, begin, begin + text.size());
  }
};

TreeBuilder::TreeBuilder(const Sources& sources, std::uint32_t source, std::size_t offset)
    : diagnostics_(sources),
      source_(source),
      text_(std::string_view(sources[source].text).substr(offset)),
      shift_(
          static_cast<int>(code_points(std::string_view(sources[source].text).substr(0, offset)))),
      starts_(line_starts(text_)) {}

std::size_t TreeBuilder::byte_offset(const YAML::Mark& mark) const {
  if (mark.is_null()) return 0;
  const auto line = std::min(static_cast<std::size_t>(mark.line), starts_.size() - 1);
  return std::min(starts_[line] + static_cast<std::size_t>(mark.column), text_.size());
}

// yaml-cpp counts columns in bytes, from 0. Marks mostly come in order, so counting goes on where
// the last one on the same line stopped: linear even for a file of one line.
Position TreeBuilder::position(const YAML::Mark& mark) const {
  if (mark.is_null()) return {source_, 0, 0};
  const std::size_t offset = byte_offset(mark);
  const auto line = std::min(static_cast<std::size_t>(mark.line), starts_.size() - 1);
  if (line != last_.line || offset < last_.offset) last_ = {line, starts_[line], 0};
  last_.points += code_points(text_.substr(last_.offset, offset - last_.offset));
  last_.offset = offset;
  return {source_, static_cast<int>(line) + 1,
          static_cast<int>(last_.points) + 1 + (line == 0 ? shift_ : 0)};
}

void TreeBuilder::count(std::size_t nodes, const YAML::Mark& mark, const char* what) {
  if (nodes > kMaxNodes - nodes_) {
    fail(mark, fmt::format("{} exceeds {} values", what, kMaxNodes),
         "a scenario needs a few hundred");
  }
  nodes_ += nodes;
}

void TreeBuilder::open(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
  const std::size_t before = nodes_;
  count(1, mark, "the file");
  Frame frame;
  frame.node.kind = kind;
  frame.node.at = position(mark);
  if (!frames_.empty()) {
    // A collection that may be a key comes as a mapping and its first key at one place: one level.
    const Position above = frames_.back().node.at;
    const bool same = above.line == frame.node.at.line && above.column == frame.node.at.column;
    frame.depth = frames_.back().depth + (same ? 0 : 1);
  }
  if (frame.depth > kMaxDepth) {
    fail(mark, fmt::format("nesting is deeper than {}", kMaxDepth), "a scenario needs five levels");
  }
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
  if (node.quoted) refuse_unclosed(mark);
  refuse_tag(mark, tag);
  add(std::move(node), mark, anchor);
}

void TreeBuilder::refuse_tag(const YAML::Mark& mark, const std::string& tag) {
  if (tag == "!" || tag == "?" || tag.empty()) return;
  fail(mark, fmt::format("tags are not supported ({})", tag), "remove the tag");
}

// yaml-cpp takes the end of the text for a closing quote.
void TreeBuilder::refuse_unclosed(const YAML::Mark& mark) {
  if (is_closed_scalar(text_, byte_offset(mark))) return;
  fail(mark, "this quote is never closed", "close it on the same line");
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
    if (node.is_null()) node.at = frame.pending->key_at;  // its own mark is that of what follows
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
  fail(error.mark, fmt::format("not valid YAML: {}", message), "");
}

}  // namespace

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

}  // namespace scenarios
