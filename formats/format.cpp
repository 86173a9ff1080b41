#include "formats/format.hpp"

#include <array>

namespace formats {

std::span<const FormatEntry> format_table() {
  static constexpr std::array table{
      FormatEntry{"hf", "a model's config.json from Hugging Face", &import_hugging_face, nullptr},
      FormatEntry{"chakra", "Chakra execution traces of every rank, as for ASTRA-sim", nullptr,
                  &export_chakra, &chakra_files},
      FormatEntry{"nccl-topo", "a server as NCCL or RCCL dumps it (NCCL_TOPO_DUMP_FILE)",
                  &import_nccl_topology, nullptr},
      FormatEntry{"astra-network", "the cluster as ASTRA-sim's analytical network", nullptr,
                  &export_astra_network},
      FormatEntry{"slurm-topology", "the switches of Slurm's topology.conf", &import_slurm_topology,
                  nullptr},
      FormatEntry{"megatron", "arguments of Megatron-LM's pretrain_gpt.py in a shell script",
                  &import_megatron, &export_megatron},
      FormatEntry{"torchtitan", "torchtitan's job configuration in TOML", &import_torchtitan,
                  &export_torchtitan},
      FormatEntry{"deepspeed", "DeepSpeed's configuration in JSON", &import_deepspeed,
                  &export_deepspeed},
  };
  return table;
}

}  // namespace formats
