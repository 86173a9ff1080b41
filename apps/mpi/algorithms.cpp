#include "apps/mpi/algorithms.hpp"

#include <array>
#include <cstdlib>

namespace apps::mpi {
namespace {

const char* variable_of(collectives::Kind kind) {
  switch (kind) {
    case collectives::Kind::all_reduce:
      return "coll_tuned_allreduce_algorithm";
    case collectives::Kind::all_gather:
      return "coll_tuned_allgather_algorithm";
    case collectives::Kind::reduce_scatter:
      return "coll_tuned_reduce_scatter_block_algorithm";
    case collectives::Kind::all_to_all:
      return "coll_tuned_alltoall_algorithm";
    case collectives::Kind::broadcast:
      return "coll_tuned_bcast_algorithm";
    case collectives::Kind::send_recv:
      break;
  }
  return nullptr;
}

// MPI_T between construction and destruction.
class Tools {
 public:
  Tools() {
    int provided = 0;
    ready_ = MPI_T_init_thread(MPI_THREAD_SINGLE, &provided) == MPI_SUCCESS;
  }
  Tools(const Tools&) = delete;
  Tools& operator=(const Tools&) = delete;
  ~Tools() {
    if (ready_) MPI_T_finalize();
  }

  // The index of a control variable, or -1.
  int find(const char* name) const {
    int index = -1;
    if (!ready_ || name == nullptr) return -1;
    return MPI_T_cvar_get_index(name, &index) == MPI_SUCCESS ? index : -1;
  }

 private:
  bool ready_ = false;
};

MPI_T_enum enumeration_of(int variable) {
  std::array<char, 256> name{}, text{};
  int name_size = name.size(), text_size = text.size();
  int verbosity = 0, binding = 0, scope = 0;
  MPI_Datatype type{};
  MPI_T_enum values = MPI_T_ENUM_NULL;
  MPI_T_cvar_get_info(variable, name.data(), &name_size, &verbosity, &type, &values, text.data(),
                      &text_size, &binding, &scope);
  return values;
}

}  // namespace

void allow_forced_algorithms() { setenv("OMPI_MCA_coll_tuned_use_dynamic_rules", "1", 0); }

std::vector<std::string> algorithms_of(collectives::Kind kind) {
  const Tools tools;
  const int variable = tools.find(variable_of(kind));
  std::vector<std::string> names;
  if (variable < 0) return names;
  const MPI_T_enum values = enumeration_of(variable);
  int count = 0;
  std::array<char, 256> text{};
  int size = text.size();
  if (values == MPI_T_ENUM_NULL ||
      MPI_T_enum_get_info(values, &count, text.data(), &size) != MPI_SUCCESS) {
    return names;
  }
  for (int i = 1; i < count; ++i) {  // 0 is "ignore": the library chooses
    int value = 0;
    size = text.size();
    if (MPI_T_enum_get_item(values, i, &value, text.data(), &size) != MPI_SUCCESS) break;
    names.emplace_back(text.data());
  }
  return names;
}

MPI_Comm with_algorithm(MPI_Comm comm, collectives::Kind kind, int number) {
  const Tools tools;
  const int variable = tools.find(variable_of(kind));
  MPI_T_cvar_handle handle{};
  int count = 0;
  const bool open =
      variable >= 0 && MPI_T_cvar_handle_alloc(variable, nullptr, &handle, &count) == MPI_SUCCESS;
  if (open) MPI_T_cvar_write(handle, &number);
  MPI_Comm copy = MPI_COMM_NULL;
  MPI_Comm_dup(comm, &copy);
  if (open) {
    number = 0;
    MPI_T_cvar_write(handle, &number);
    MPI_T_cvar_handle_free(&handle);
  }
  return copy;
}

}  // namespace apps::mpi
