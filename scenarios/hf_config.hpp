// Reads the shape of a model from a Hugging Face config.json.
#pragma once

#include <string>

#include "scenarios/node.hpp"
#include "scenarios/source.hpp"

namespace scenarios {

// The keys of `model:` that the file says. Throws ScenarioError for an unknown model_type (naming
// those that are supported) and for what is missing.
Node read_hugging_face_config(const std::string& path, Position named_at, Sources& sources,
                              Diagnostics& diagnostics);

}  // namespace scenarios
