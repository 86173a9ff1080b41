// The style sheet and the script of the HTML report (page.css, page.js), built into the program.
#pragma once

#include <string_view>

namespace reports {

std::string_view page_style();
std::string_view page_script();

}  // namespace reports
