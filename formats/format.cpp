#include "formats/format.hpp"

#include <array>

namespace formats {

std::span<const FormatEntry> format_table() {
  static constexpr std::array table{
      FormatEntry{"hf", "a model's config.json from Hugging Face", &import_hugging_face, nullptr,
                  false},
      FormatEntry{"chakra", "Chakra execution traces of every rank, as for ASTRA-sim", nullptr,
                  &export_chakra, true},
      FormatEntry{"nccl-topo", "a server as NCCL or RCCL dumps it (NCCL_TOPO_DUMP_FILE)",
                  &import_nccl_topology, nullptr, false},
      FormatEntry{"astra-network", "the cluster as ASTRA-sim's analytical network", nullptr,
                  &export_astra_network, false},
      FormatEntry{"slurm-topology", "the switches of Slurm's topology.conf", &import_slurm_topology,
                  nullptr, false},
      FormatEntry{"megatron", "arguments of Megatron-LM's pretrain_gpt.py in a shell script",
                  &import_megatron, &export_megatron, false},
      FormatEntry{"torchtitan", "torchtitan's job configuration in TOML", &import_torchtitan,
                  &export_torchtitan, false},
      FormatEntry{"deepspeed", "DeepSpeed's configuration in JSON", &import_deepspeed,
                  &export_deepspeed, false},
  };
  return table;
}

}  // namespace formats
