// The one translation unit with Catch2's main: it takes longest to compile.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
