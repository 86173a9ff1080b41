// A validation as JSON (docs/interface: validate --json), CSV, text, a scatter plot and the table
// of docs/accuracy.md. Text goes in and comes out: no files here.
#pragma once

#include <string>

#include "studies/validate.hpp"

namespace studies {

// {"records": [{"id", "source", "predicted", "measured", "error", …}…], "summary": {…}}.
// `predicted` and `measured` are step times in seconds, or GiB where a source prints memory only
// (see "quantity"); null where nothing was measured or the record was not run.
std::string validation_json(const Validation& validation);

// One line a record.
std::string validation_csv(const Validation& validation);

// Tables of families, sources and mixture-of-experts models, worst records, and everything that was
// refused.
std::string validation_text(const Validation& validation);

// Predicted over measured step time, log-log, one colour a source, with the diagonal and +-10 %.
std::string validation_svg(const Validation& validation);

// The table that docs/accuracy.md holds between its markers, Markdown.
std::string accuracy_table(const Validation& validation);

// `document` with the text between the markers replaced. Throws std::invalid_argument where the
// markers are missing.
std::string replace_table(const std::string& document, const std::string& table);

// What is worse in `table` than in the table of `document`, one line each: more than 0.1 percentage
// points (the rounding of the table) in a mean, median or 90th percentile, or fewer records. Throws
// std::invalid_argument where the document has no table.
std::vector<std::string> regressions(const std::string& document, const std::string& table);

}  // namespace studies
