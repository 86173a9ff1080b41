// What the programs (stepcast, stepcast-mpi) have in common: parse the command line, run the
// command, turn errors into messages on stderr and an exit code.
#pragma once

#include <functional>

#include "apps/commands.hpp"

namespace apps {

// Runs `work`; its exceptions become messages and exit codes.
int guarded(bool json, const std::function<int()>& work);

// Parses and runs; `work` is given what was asked for.
int run_program(int argc, const char* const* argv,
                const std::function<int(const Invocation&)>& work);

// The sub-command, in this process alone.
int execute_any(const Invocation& invocation);

}  // namespace apps
