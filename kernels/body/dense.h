// A linear layer in float32 behind the pooling, and its activation.
#pragma once
#include "body/pool.h"
#include "body/products.h"

namespace {

// log(1 + e), 0 <= e <= 1: 2 artanh(e / (2 + e)) by its series, whose rest is below 1e-7.
INLINE float log_one_plus(float e) {
  const float z = e / (2.0f + e), square = z * z;
  float p = 1.0f / 13.0f;
  for (int odd = 11; odd > 0; odd -= 2) p = p * square + 1.0f / static_cast<float>(odd);
  return 2.0f * z * p;
}
INLINE float clip(float x, float least, float most) { return smaller(greater(x, least), most); }
INLINE float hard_sigmoid(float x) { return clip(x + 3.0f, 0.0f, 6.0f) * (1.0f / 6.0f); }
// e is exp(-|x|).
INLINE float sigmoid(float x, float e) { return (x < 0 ? e : 1.0f) / (1.0f + e); }
INLINE float softplus(float x, float e) { return greater(x, 0.0f) + log_one_plus(e); }
INLINE float elu(float x, float e) { return x < 0 ? e - 1.0f : x; }
INLINE float hyperbolic_tangent(float x, float e) {
  const float square = e * e, t = (1.0f - square) / (1.0f + square);
  return x < 0 ? -t : t;
}
// x * tanh(softplus(x)), which is rational in e.
INLINE float mish(float x, float e) {
  const float n = x < 0 ? e * (e + 2.0f) : 1.0f + 2.0f * e, rest = x < 0 ? 2.0f : 2.0f * e * e;
  return x * (n / (n + rest));
}
INLINE float activated(biolord::Activation kind, float x, float e) {
  using biolord::Activation;
  switch (kind) {
    case Activation::kTanh: return hyperbolic_tangent(x, e);
    case Activation::kRelu: return greater(x, 0.0f);
    case Activation::kSigmoid: return sigmoid(x, e);
    case Activation::kSilu: return x * sigmoid(x, e);
    case Activation::kMish: return mish(x, e);
    case Activation::kLeakyRelu: return x < 0 ? 0.01f * x : x;
    case Activation::kElu:
    case Activation::kCelu: return elu(x, e);
    case Activation::kSelu: return 1.05070098f * (x < 0 ? 1.67326324f * (e - 1.0f) : x);
    case Activation::kRelu6: return clip(x, 0.0f, 6.0f);
    case Activation::kSoftplus: return softplus(x, e);
    case Activation::kSoftsign: return x / (1.0f + greater(x, -x));
    case Activation::kLogSigmoid: return -softplus(-x, e);
    case Activation::kHardTanh: return clip(x, -1.0f, 1.0f);
    case Activation::kHardSigmoid: return hard_sigmoid(x);
    case Activation::kHardSwish: return x * hard_sigmoid(x);
    case Activation::kTanhShrink: return x - hyperbolic_tangent(x, e);
    default: return x;
  }
}
NOT_INLINE static void activate(biolord::Activation kind, float* x) {
  const Floats v = load(x);
  if (kind == biolord::Activation::kIdentity) return;
  if (kind == biolord::Activation::kGelu) return store(x, gelu(v));
  alignas(64) float e[16];
  store(e, exp_of_negative(sub(all(0), abs(v))));
  for (int i = 0; i < 16; i++) x[i] = activated(kind, x[i], e[i]);
}

// A panel of 16 outputs for some rows: the weights are read once.
struct DenseBlock {
  template <int R>
  static INLINE_MEMBER void run(const biolord::DenseTask& t, int row, int n) {
    const float *x = t.x + static_cast<size_t>(row) * t.inputs, *w = t.packed + static_cast<size_t>(n) * t.inputs;
    Floats sums[R];
    UNROLL for (int r = 0; r < R; r++) sums[r] = load(t.bias + n);
    for (int k = 0; k < t.inputs; k++, w += 16) {
      const Floats weights = load(w);
      UNROLL for (int r = 0; r < R; r++) sums[r] = fma(all(x[static_cast<size_t>(r) * t.inputs + k]), weights, sums[r]);
    }
    alignas(64) float y[R][16];
    UNROLL for (int r = 0; r < R; r++) store(y[r], sums[r]);
    for (int r = 0; r < R; r++) {
      activate(t.activation, y[r]);
      store_part(t.y + static_cast<size_t>(row + r) * t.outputs, n, t.outputs, load(y[r]));
    }
  }
};
constexpr int kDenseRows = 4;
static void dense(const biolord::DenseTask& t) {
  const FloatMode mode;
  for (int n = 0; n < t.outputs; n += 16)
    for (int row = 0, count; row < t.rows; row += count) {
      count = block_rows(t.rows - row, kDenseRows);
      run_rows<DenseBlock, kDenseRows>(count, t, row, n);
    }
}

}  // namespace
