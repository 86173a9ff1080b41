// Strategies from a shared object: what one exports, and how it is loaded (docs/plugin.md).
//
// A plug-in is code with all the rights of this program: load none that you would not run. It adds
// entries behind the built-in table for the predictions of one scenario; nothing is global.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "strategies/strategy.hpp"

namespace strategies {

// Grows with every change of what a plug-in sees.
inline constexpr std::uint32_t kPluginVersion = 2;

// What the function `stepcast_plugin` of a plug-in returns. `layout` finds plug-ins that were built
// against other headers.
struct PluginTable {
  std::uint32_t version = kPluginVersion;
  std::size_t layout = sizeof(StepContext) + sizeof(Plan) + sizeof(Training) + sizeof(Emitter);
  const StrategyEntry* entries = nullptr;
  std::size_t count = 0;
};

class Plugin {
 public:
  // Throws std::runtime_error: the file is no plug-in, or one of another version.
  explicit Plugin(const std::string& path);
  ~Plugin();
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  std::span<const StrategyEntry> strategies() const { return {table_->entries, table_->count}; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  void* handle_ = nullptr;
  const PluginTable* table_ = nullptr;
};

}  // namespace strategies
