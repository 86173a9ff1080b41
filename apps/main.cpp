// stepcast: the command line program, one process.
#include "apps/program.hpp"

int main(int argc, char** argv) { return apps::run_program(argc, argv, &apps::execute_any); }
