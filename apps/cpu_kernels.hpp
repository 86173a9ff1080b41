// What a training step computes besides matrix products, in fp32 on one core: the trainer of
// `calibrate verify` runs them, `calibrate compute` measures them. Matrices are row-major.
#pragma once

#include <cstddef>

namespace apps::kernels {

// y = x / rms(x) * gain per row; keeps 1 / rms.
void norm(const float* x, const float* gain, float* y, float* inverse, int rows, int width);
// dx += gradient through the norm; adds to the gain's gradient.
void norm_backward(const float* dy, const float* x, const float* gain, const float* inverse,
                   float* dx, float* gain_gradient, int rows, int width);

// x sigmoid(1.702 x), Hendrycks and Gimpel's sigmoid approximation of GELU (arXiv 1606.08415).
void gelu(const float* x, float* y, std::size_t size);
void gelu_backward(const float* x, float* dy, std::size_t size);  // dy becomes dx

void add(const float* a, const float* b, float* out, std::size_t size);

// Rows of `keys` scores; row i sees keys 0 to i. In place.
void causal_softmax(float* scores, float scale, int keys);
// gradient of the probabilities becomes that of the scores.
void causal_softmax_backward(const float* probabilities, float* gradient, float scale, int keys);

float row_maximum(const float* row, int width);
// row = exp(row - maximum); returns the sum.
float exponentials(float* row, float maximum, int width);

void scale(float* values, float factor, std::size_t size);
double square_sum(const float* values, std::size_t size);

// AdamW without weight decay, bias-corrected; the gradient is scaled first.
void adam(float* parameter, const float* gradient, float* first, float* second, std::size_t size,
          float scale, int step);

}  // namespace apps::kernels
