// The command line of `calibrate`, a part of cli.cpp.
#pragma once

#include "apps/calibrate_options.hpp"

namespace CLI {
class App;
}

namespace apps {

void add_calibrate(CLI::App& root, CalibrateOptions& options);

}  // namespace apps
