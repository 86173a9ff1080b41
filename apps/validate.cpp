// validate: every published measurement that the repository ships, predicted and compared.
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "apps/validate_options.hpp"
#include "reports/file.hpp"
#include "studies/validate_output.hpp"

namespace apps {

namespace {

std::string read_document(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf())) {
    throw reports::OutputError(fmt::format("cannot read {}", path));
  }
  return text.str();
}

// Whether the run is at least as good as the table of the document; complains where it is not.
bool as_good_as(const std::string& path, const std::string& table) {
  const std::vector<std::string> worse = studies::regressions(read_document(path), table);
  for (const std::string& line : worse) complain("worse than " + path + ": " + line);
  return worse.empty();
}

void write_outputs(const ValidateOptions& options, const studies::Validation& validation) {
  if (!options.plot.empty()) reports::write_file(options.plot, validation_svg(validation));
  if (options.csv == "-") {
    print(validation_csv(validation));
  } else if (!options.csv.empty()) {
    reports::write_file(options.csv, validation_csv(validation));
  }
  if (options.json) print(validation_json(validation));
  if (!options.json && options.csv != "-") print(validation_text(validation));
}

}  // namespace

int execute(const ValidateOptions& options) {
  if (options.json && options.csv == "-") {
    throw UsageError("--json and --csv - both write to stdout");
  }
  try {
    const std::string folder =
        options.records.empty() ? studies::default_records_folder() : options.records;
    const studies::Validation validation =
        studies::validate(studies::load_records(folder), {options.sources, options.threads});
    write_outputs(options, validation);
    const std::string table = accuracy_table(validation);
    if (!options.update_docs.empty()) {
      reports::write_file(options.update_docs,
                          studies::replace_table(read_document(options.update_docs), table));
    }
    if (!options.check.empty() && !as_good_as(options.check, table)) return kInternalFault;
  } catch (const studies::RecordError& error) {
    complain(error.what());
    return kIo;
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
  return kOk;
}

}  // namespace apps
