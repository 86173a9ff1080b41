// Megatron-LM's arguments between the files of the importer and of the exporter.
#pragma once

#include <string>
#include <vector>

#include "formats/import_draft.hpp"
#include "formats/megatron_arguments.hpp"

namespace formats {

// Everything that the arguments say, without the cluster.
void draft_megatron(ImportDraft& draft);

// Parts of it. The model gives its layers, the strategy needs them.
std::int64_t draft_megatron_model(ImportDraft& draft, MegatronArguments& arguments);
void draft_megatron_training(ImportDraft& draft, MegatronArguments& arguments);
void draft_megatron_strategy(ImportDraft& draft, MegatronArguments& arguments, std::int64_t layers);
void draft_megatron_pipeline(ImportDraft& draft, MegatronArguments& arguments, std::int64_t layers,
                             std::int64_t stages);

// Lines of the export, one argument each.
using Lines = std::vector<std::string>;
void megatron_model_lines(const scenarios::Scenario& scenario, Lines& out);
void megatron_training_lines(const scenarios::Scenario& scenario, Lines& out);
void megatron_strategy_lines(const scenarios::Scenario& scenario, Lines& out);

}  // namespace formats
