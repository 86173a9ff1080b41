// price() with constants of the caller's choice; collectives/fit uses it to try them out.
#pragma once

#include "collectives/group_facts.hpp"
#include "collectives/library.hpp"
#include "collectives/model_constants.hpp"

namespace collectives {

Price price_with(const ModelConstants& constants, Kind kind, const GroupFacts& group,
                 sim::Bytes bytes, const Fabric& fabric, const LibraryProfile& library);

}  // namespace collectives
