// Parts of the command line's description, between cli*.cpp.
#pragma once

#include <string>
#include <vector>

#include "apps/options.hpp"

namespace CLI {
class App;
}

namespace apps {

// A check of CLI11: empty where the text is a number above 0, and neither infinite nor NaN.
std::string positive_problem(const std::string& text);

// A check of CLI11: empty where the text is dotted.key=value.
std::string setting_problem(const std::string& text);
// A check of CLI11: empty where the text could name a file.
std::string file_problem(const std::string& text);

void add_set(CLI::App& app, std::vector<std::string>& set);     // --set
void add_max_memory(CLI::App& app, std::uint64_t& max_memory);  // --max-memory
void add_allow_plugins(CLI::App& app, bool& allow);             // --allow-plugins
void add_validate(CLI::App& root, ValidateOptions& options);
void add_search(CLI::App& root, SearchOptions& options);
void add_sweep(CLI::App& root, SweepOptions& options);

}  // namespace apps
