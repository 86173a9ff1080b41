// Parser events -> Node tree, with the bounds of yaml_parser.hpp. Private to the parser: the one
// header that shows yaml-cpp.
#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scenarios/node.hpp"
#include "scenarios/source.hpp"

namespace scenarios {

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

}  // namespace scenarios
