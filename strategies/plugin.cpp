#include "strategies/plugin.hpp"

#include <dlfcn.h>

#include <stdexcept>

namespace strategies {

Plugin::Plugin(const std::string& path) : path_(path) {
  handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) throw std::runtime_error(dlerror());
  using Entry = const PluginTable* (*)();
  const auto entry = reinterpret_cast<Entry>(dlsym(handle_, "stepcast_plugin"));
  std::string problem;
  if (entry == nullptr) {
    problem = "it exports no function stepcast_plugin";
  } else if (table_ = entry(); table_ == nullptr) {
    problem = "stepcast_plugin returned nothing";
  } else if (table_->version != kPluginVersion || table_->layout != PluginTable{}.layout) {
    problem = "it was built for another version of stepcast";
  }
  if (problem.empty()) return;
  dlclose(handle_);
  throw std::runtime_error(path + ": " + problem);
}

Plugin::~Plugin() { dlclose(handle_); }

}  // namespace strategies
