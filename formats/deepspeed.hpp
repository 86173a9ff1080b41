// Between DeepSpeed's importer and exporter.
#pragma once

#include "formats/import_draft.hpp"

namespace formats {

void draft_deepspeed(ImportDraft& draft);

}  // namespace formats
