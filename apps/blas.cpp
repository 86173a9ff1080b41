#include "apps/blas.hpp"

#include <dlfcn.h>

#include <cstdlib>

#include "reports/file.hpp"

namespace apps {
namespace {

// Values of CBLAS_ORDER and CBLAS_TRANSPOSE.
constexpr int kRowMajor = 101, kPlain = 111, kTransposed = 112;

template <class F>
F find(void* library, const char* name) {
  return reinterpret_cast<F>(dlsym(library, name));
}

}  // namespace

Blas::Blas() {
  void* library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library != nullptr) library_ = {library, [](void* handle) { dlclose(handle); }};
  if (library != nullptr) sgemm_ = find<Sgemm>(library, "cblas_sgemm");
  if (sgemm_ == nullptr) {
    throw reports::OutputError(
        "OpenBLAS (libopenblas.so.0) is not here; install the Debian package libopenblas0");
  }
  if (std::getenv("OPENBLAS_NUM_THREADS") == nullptr) {
    if (auto* set = find<void (*)(int)>(library, "openblas_set_num_threads")) set(1);
  }
  if (auto* config = find<char* (*)()>(library, "openblas_get_config")) version_ = config();
  if (auto* core = find<char* (*)()>(library, "openblas_get_corename")) {
    version_ += std::string(" on ") + core();
  }
}

void Blas::multiply(bool a_transposed, bool b_transposed, int m, int n, int k, const float* a,
                    const float* b, float beta, float* c) const {
  multiply(a_transposed, b_transposed, m, n, k, a, a_transposed ? m : k, b, b_transposed ? k : n,
           beta, c, n);
}

void Blas::multiply(bool a_transposed, bool b_transposed, int m, int n, int k, const float* a,
                    int lda, const float* b, int ldb, float beta, float* c, int ldc) const {
  sgemm_(kRowMajor, a_transposed ? kTransposed : kPlain, b_transposed ? kTransposed : kPlain, m, n,
         k, 1.0F, a, lda, b, ldb, beta, c, ldc);
}

}  // namespace apps
