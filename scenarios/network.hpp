// What the collectives' cost model needs to know of a cluster.
#pragma once

#include "collectives/library.hpp"
#include "scenarios/scenario.hpp"

namespace scenarios {

collectives::Fabric fabric_of(const Scenario& scenario);
collectives::LibraryProfile library_of(const Scenario& scenario);
// What an offloaded optimizer gets of its host's memory, per rank.
sim::Bandwidth host_memory_of(const Scenario& scenario);
// What a rank gets of the NVMe drives of its node.
sim::Bandwidth nvme_of(const Scenario& scenario);

}  // namespace scenarios
