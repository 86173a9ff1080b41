// Parts of the command line's description, between cli*.cpp.
#pragma once

#include <string>
#include <string_view>
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
void add_import(CLI::App& root, ImportOptions& options);
void add_export(CLI::App& root, ExportOptions& options);

// "there is no <what> '<word>', did you mean …; known: …"
std::string unknown(std::string_view what, const std::string& word,
                    const std::vector<std::string>& known);

}  // namespace apps
