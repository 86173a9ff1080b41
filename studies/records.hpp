// Published measurements shipped in records/: one CSV a source, index.csv with the definitions of
// each source, targets.csv with the accuracy asked for per family.
//
// A record is a configuration (columns whose names are scenario keys), what was measured (columns
// measured.*) and where it was printed. scenario_text() sees the configuration only: predictions
// cannot depend on measurements. The row with id `*` gives the value that a blank cell of its file
// stands for; measured.* numbers have no such default.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "studies/records_csv.hpp"

namespace studies {

enum class Use {
  yes,      // fully published; counts
  assumed,  // part of the configuration is our assumption (see note); reported apart
  no,       // known to be broken (see note); never run
};

// Where memory was read: rank 0 (the first pipeline stage) or the worst rank.
enum class MemoryStage { worst, first };

// What a source printed; 0 = not printed.
struct Measured {
  double step_time_s = 0.0;
  double tokens_per_s_per_gpu = 0.0;
  double tflops_per_gpu = 0.0;   // only where neither of the above is printed
  std::string flops_convention;  // of tflops_per_gpu: sc21-hardware | model-full | model-causal
  double allocated_gib = 0.0;    // torch max_memory_allocated
  double reserved_gib = 0.0;     // torch max_memory_reserved
  double driver_gib = 0.0;       // nvidia-smi
  MemoryStage memory_stage = MemoryStage::worst;
  bool fits = true;  // false: the run failed for want of memory (or crashed, where not told apart)
};

struct Record {
  std::string id;
  std::string source;        // file name without .csv
  std::string locator;       // table, row or file within the source
  std::string record_class;  // dense16 | fp8 | moe | memory | failed | placement
  std::string target;        // family of targets.csv
  Use use = Use::yes;
  std::string note;  // reason of `assumed` and `no`, caveats
  std::string model_name;
  std::vector<std::pair<std::string, std::string>> configuration;  // scenario key -> value
  Measured measured;

  // The value of a scenario key; empty when the record does not set it.
  std::string setting(std::string_view key) const;
};

struct Source {
  std::string name, title, url, code_base, implementation, flops, memory, interconnect, caveats;
};

// Accuracy asked of a family, in percent (rank correlation in -1..1); 0 = not asked.
struct Target {
  std::string name, title;
  double mean = 0.0, p90 = 0.0, median = 0.0, rank_correlation = 0.0, regret = 0.0;
};

struct RecordSet {
  std::vector<Source> sources;  // in the order of index.csv
  std::vector<Target> targets;
  std::vector<Record> records;  // by source, in file order
};

// The folder that the build knows.
std::string default_records_folder();

// Throws RecordError: unknown columns, malformed numbers, unknown targets or uses, duplicate ids.
RecordSet load_records(const std::string& folder);

// The records of one parsed file. Throws RecordError.
std::vector<Record> records_of(const CsvTable& table, const std::string& source);

// The scenario file of a record, built from its configuration columns alone.
std::string scenario_text(const Record& record);

// Records that may be ranked against each other: same source, model, device, GPU count, sequence
// length.
std::string ranking_group(const Record& record);

}  // namespace studies
