// The words that a shell script hands to its commands, as far as they follow from the script alone:
// quotes, comments, continued lines, variables, arrays and whole-number arithmetic. Nothing is run,
// and conditions are not evaluated: of several values the last counts.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace formats {

struct ShellWord {
  std::string text;
  std::size_t offset = 0;     // where its first character stands in the script
  bool ends_command = false;  // a separator: no word of the command follows
};

struct ShellUnset {  // a variable, or a command's output, that the script does not know
  std::string name;
  std::size_t offset = 0;
};

struct ShellScript {
  std::vector<ShellWord> words;
  std::vector<ShellWord> held;  // of variables that no command takes
  std::vector<ShellUnset> unset;
  std::size_t conditional = std::string::npos;  // first value under a condition that is used
};

ShellScript read_shell(std::string_view text);

}  // namespace formats
