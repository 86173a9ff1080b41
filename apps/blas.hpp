// Matrix products of a BLAS that is looked for when it is needed: the programs run without one.
#pragma once

#include <memory>
#include <string>

namespace apps {

// OpenBLAS, one thread unless OPENBLAS_NUM_THREADS says otherwise. Rows are stored one after the
// other. Throws reports::OutputError (exit code 5) where the library is missing.
class Blas {
 public:
  Blas();

  // c (m x n) = a (m x k) b (k x n) + beta c, all of them dense; transposed ones are stored as
  // (k x m) and (n x k).
  void multiply(bool a_transposed, bool b_transposed, int m, int n, int k, const float* a,
                const float* b, float beta, float* c) const;

  // The same with room between rows: the leading dimensions of a, b and c.
  void multiply(bool a_transposed, bool b_transposed, int m, int n, int k, const float* a, int lda,
                const float* b, int ldb, float beta, float* c, int ldc) const;

  const std::string& version() const { return version_; }

 private:
  using Sgemm = void (*)(int order, int a_transposed, int b_transposed, int m, int n, int k,
                         float alpha, const float* a, int lda, const float* b, int ldb, float beta,
                         float* c, int ldc);
  std::shared_ptr<void> library_;
  Sgemm sgemm_ = nullptr;
  std::string version_;
};

}  // namespace apps
