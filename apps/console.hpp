// Standard output and standard error: data to the one, messages to the other.
#pragma once

#include <string_view>

namespace apps {

// Writes all of it, at once. Throws reports::OutputError when stdout cannot take it.
void print(std::string_view text);

// "stepcast: message" on stderr, made harmless for a terminal.
void complain(std::string_view message);

bool stdout_is_terminal();
bool stderr_is_terminal();

// Colour on stdout: on a terminal, unless NO_COLOR or TERM=dumb says otherwise.
bool use_colour();

}  // namespace apps
