// The sub-commands. Each returns an exit code; errors are exceptions, mapped by main().
#pragma once

#include "apps/options.hpp"

namespace apps {

enum ExitCode : int {
  kOk = 0,
  kInternalFault = 1,
  kUsage = 2,
  kInvalidInput = 3,
  kInfeasible = 4,
  kIo = 5,
  kLimit = 6,
  kPartial = 7
};

int execute(const RunOptions& options);
int execute(const CompareOptions& options);
int execute(const ListOptions& options);
int execute(const TopologyOptions& options);
int execute(const ExplainOptions& options);
int execute(const SchemaOptions& options);
int execute(const ValidateOptions& options);
int execute(const SearchOptions& options);
int execute(const CalibrateOptions& options);
int execute(const SweepOptions& options);
int execute(const ImportOptions& options);
int execute(const ExportOptions& options);
inline int execute(const Answered&) { return kOk; }

}  // namespace apps
