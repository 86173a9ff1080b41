// `search` over MPI ranks: the same search, its bounds and simulations dealt to all of them.
#pragma once

#include "apps/mpi/transport.hpp"
#include "apps/search_options.hpp"

namespace apps::mpi {

// On rank 0: searches and prints; returns the exit code.
int lead_search(Session& session, const SearchOptions& options);
// On every other rank.
void serve_search(Session& session, const SearchOptions& options);

}  // namespace apps::mpi
