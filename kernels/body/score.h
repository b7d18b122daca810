// A pair's score from its first token: a layer, an activation, one output.
#pragma once
#include "body/mode.h"
#include "body/rows.h"

namespace {

// tanh(x) = sign(x) * (1 - e) / (1 + e) with e = exp(-2 |x|); largest error about 1e-7.
INLINE Floats tanh_lanes(Floats x) {
  alignas(64) float e[16], v[16];
  store(v, x);
  store(e, exp_of_negative(mul(abs(x), all(-2))));
  for (int i = 0; i < 16; i++) {
    const float size = (1.0f - e[i]) / (1.0f + e[i]);
    v[i] = v[i] < 0 ? -size : size;
  }
  return load(v);
}
INLINE Floats activated(Floats x, biolord::HeadActivation activation) {
  switch (activation) {
    case biolord::HeadActivation::kTanh: return tanh_lanes(x);
    case biolord::HeadActivation::kGelu: return gelu(x);
    default: return max(x, all(0));
  }
}
// Sixteen neighboring outputs of the layer.
INLINE Floats dense_lanes(const biolord::ScoreTask& t, const float* x, int n) {
  Floats y = load(t.dense_bias + n);
  const float* weight = t.dense + n;
  for (int k = 0; k < t.dim; k++, weight += t.dim) y = fma(all(x[k]), load(weight), y);
  return y;
}
static void score(const biolord::ScoreTask& t) {
  const FloatMode mode;
  for (int text = 0; text < t.texts; text++) {
    const float* x = t.x + static_cast<size_t>(t.starts[text]) * t.dim;
    Floats sums = all(0);
    for (int n = 0; n < t.dim; n += 16)
      sums = fma(activated(dense_lanes(t, x, n), t.activation), load(t.output + n), sums);
    t.logits[text] = sum(sums) + t.output_bias[0];
  }
}

}  // namespace
