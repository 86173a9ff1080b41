#include "apps/commands.hpp"
#include "apps/console.hpp"
#include "scenarios/reader.hpp"

namespace apps {

int execute(const SchemaOptions&) {
  print(scenarios::scenario_schema());
  return kOk;
}

}  // namespace apps
