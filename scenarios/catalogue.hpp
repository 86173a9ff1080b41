// The catalogue: one YAML file an entry, in scenarios/catalogue/{models,devices,clusters,profiles}.
// Only the files that a scenario names are read.
#pragma once

#include <string>
#include <vector>

#include "scenarios/node.hpp"
#include "scenarios/reader.hpp"

namespace scenarios {

// The folder of ReadOptions.catalogue, else of $STEPCAST_CATALOGUE, else the built-in one.
std::string catalogue_folder(const ReadOptions& options);

// The content of an entry, without summary and source. Reports an unknown name at `at`.
// `section`: models, devices, clusters or profiles.
Node load_catalogue_entry(const std::string& folder, const std::string& section,
                          const std::string& name, Position at, Sources& sources,
                          Diagnostics& diagnostics);

std::vector<std::string> catalogue_names(const std::string& folder, const std::string& section);

}  // namespace scenarios
