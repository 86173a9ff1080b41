// Files of other tools, in and out: what `stepcast import` and `stepcast export` know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/scenario.hpp"

namespace formats {

// What does not carry over: a setting that has no counterpart, or a value that had to be assumed.
struct Note {
  std::size_t line = 0;  // 1-based, of the file that is read; 0 = the file as a whole
  std::string text;
};

struct ImportRequest {
  std::string file;       // its name, for messages and for what lies beside it
  std::string text;       // its content
  std::string cluster;    // a catalogue name; empty = not given
  std::int64_t gpus = 0;  // 0 = not given
};

struct Imported {
  std::string scenario;  // YAML, as scenarios::read_scenario() takes it
  std::vector<Note> notes;
};

// One file of an export: what is put behind the name that the user gives, and its content.
using FileSink = std::function<void(const std::string& suffix, std::string content)>;

struct FormatEntry {
  std::string_view name, summary;
  // Null where a format goes one way only. Reading throws scenarios::ScenarioError for what is not
  // of the format; writing, for a scenario that it has no words for.
  Imported (*read)(const ImportRequest& request) = nullptr;
  std::vector<Note> (*write)(const scenarios::Scenario& scenario, const FileSink& file) = nullptr;
  // Of a format of many files: what is put behind the name of each, before any is written.
  std::vector<std::string> (*files)(const scenarios::Scenario& scenario) = nullptr;
};

std::span<const FormatEntry> format_table();

// ----- The formats, one file each.

Imported import_hugging_face(const ImportRequest& request);  // hugging_face.cpp
std::vector<std::string> chakra_files(const scenarios::Scenario& scenario);
std::vector<Note> export_chakra(const scenarios::Scenario& scenario,
                                const FileSink& file);        // chakra.cpp
Imported import_nccl_topology(const ImportRequest& request);  // nccl_topology.cpp
std::vector<Note> export_astra_network(const scenarios::Scenario& scenario,
                                       const FileSink& file);  // astra_network.cpp
Imported import_slurm_topology(const ImportRequest& request);  // slurm_topology.cpp

Imported import_megatron(const ImportRequest& request);  // megatron_import.cpp
std::vector<Note> export_megatron(const scenarios::Scenario& scenario, const FileSink& file);

Imported import_torchtitan(const ImportRequest& request);  // torchtitan_import.cpp
std::vector<Note> export_torchtitan(const scenarios::Scenario& scenario, const FileSink& file);

Imported import_deepspeed(const ImportRequest& request);  // deepspeed_import.cpp
std::vector<Note> export_deepspeed(const scenarios::Scenario& scenario, const FileSink& file);

}  // namespace formats
