// The shape of a Hugging Face config, being translated.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "scenarios/node.hpp"
#include "scenarios/source.hpp"

namespace scenarios {

// Takes the keys of a config and writes the keys of `model:`.
class HfShape {
 public:
  HfShape(const nlohmann::json& config, Position at, Diagnostics& diagnostics)
      : config_(config), at_(at), node_(mapping_node(at)), diagnostics_(diagnostics) {}

  const nlohmann::json* find(std::initializer_list<const char*> names) const {
    for (const char* name : names) {
      const auto found = config_.find(name);
      if (found != config_.end() && !found->is_null()) return &*found;
    }
    return nullptr;
  }
  // The value of the first name that is there and not null; required unless `fallback` is given.
  void copy(const char* key, std::initializer_list<const char*> names,
            const char* fallback = nullptr) {
    const nlohmann::json* value = find(names);
    if (value != nullptr && (value->is_number() || value->is_boolean())) {
      put(key, value->dump());
    } else if (value != nullptr) {
      diagnostics_.error(at_, std::string("model.") + key,
                         fmt::format("`{}` must be a number or true/false", *names.begin()));
    } else if (fallback == nullptr) {
      diagnostics_.error(at_, std::string("model.") + key,
                         fmt::format("the config lacks `{}`", *names.begin()));
    } else if (*fallback != '\0') {
      put(key, fallback);
    }
  }
  void put(std::string_view dotted, std::string text) {
    overlay(node_, nested(dotted, scalar_node(std::move(text), at_), at_));
  }
  bool truth(const char* name) const {
    const nlohmann::json* value = find({name});
    return value != nullptr && value->is_boolean() && value->get<bool>();
  }
  std::int64_t number(const char* name, std::int64_t fallback) const {
    const nlohmann::json* value = find({name});
    return value != nullptr && value->is_number_integer() ? value->get<std::int64_t>() : fallback;
  }
  void refuse(const std::string& message) {
    diagnostics_.error(at_, "model", message, "write the model inline, or start from a like one");
  }
  Node take() { return std::move(node_); }

 private:
  const nlohmann::json& config_;
  Position at_;
  Node node_;
  Diagnostics& diagnostics_;
};

struct HfFamily {
  std::string_view type;  // model_type
  void (*read)(HfShape& shape);
};

std::span<const HfFamily> hugging_face_families();

}  // namespace scenarios
