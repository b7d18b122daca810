// The graph's end: the last hidden rows to vectors.
#pragma once
#include "body/mode.h"
#include "body/rows.h"

namespace {

// A text's tokens, and what their sum is multiplied by.
struct Pooled {
  const float* x;
  int first, tokens;
  float scale;
};
INLINE float pool_scale(biolord::Pooling mode, int first, int tokens) {
  const float count = static_cast<float>(tokens - first);
  if (mode == biolord::Pooling::kRootMean) return 1.0f / __builtin_sqrtf(count);
  if (mode == biolord::Pooling::kWeightedMean) return 1.0f / static_cast<float>((first + 1 + tokens) * (tokens - first) / 2);
  return 1.0f / count;
}
INLINE Floats pool_sum(const Pooled& p, int dim, int c) {
  Floats sums = all(0);
  for (int i = p.first; i < p.tokens; i++) sums = add(sums, load(p.x + static_cast<size_t>(i) * dim + c));
  return mul(sums, all(p.scale));
}
INLINE Floats pool_weighted(const Pooled& p, int dim, int c) {
  Floats sums = all(0);
  for (int i = p.first; i < p.tokens; i++)
    sums = fma(all(static_cast<float>(i + 1)), load(p.x + static_cast<size_t>(i) * dim + c), sums);
  return mul(sums, all(p.scale));
}
INLINE Floats pool_max(const Pooled& p, int dim, int c) {
  Floats most = load(p.x + static_cast<size_t>(p.first) * dim + c);
  for (int i = p.first + 1; i < p.tokens; i++) most = max(load(p.x + static_cast<size_t>(i) * dim + c), most);
  return most;
}
INLINE Floats pool_channels(biolord::Pooling mode, const Pooled& p, int dim, int c) {
  switch (mode) {
    case biolord::Pooling::kFirst: return load(p.x + static_cast<size_t>(p.first) * dim + c);
    case biolord::Pooling::kLast: return load(p.x + static_cast<size_t>(p.tokens - 1) * dim + c);
    case biolord::Pooling::kMax: return pool_max(p, dim, c);
    case biolord::Pooling::kWeightedMean: return pool_weighted(p, dim, c);
    default: return pool_sum(p, dim, c);
  }
}
INLINE float inverse_length(float squares) { return 1.0f / greater(__builtin_sqrtf(squares), 1e-12f); }
INLINE void pool_text(const biolord::PoolTask& t, const Pooled& p, float* sentence, float* unit) {
  Floats squares = all(0);
  for (int c = 0; c < t.dim; c += 16) {
    const Floats v = pool_channels(t.mode, p, t.dim, c);
    store(sentence + c, v);
    squares = fma(v, v, squares);
  }
  const Floats length = all(inverse_length(sum(squares)));
  for (int c = 0; c < t.dim; c += 16) store(unit + c, mul(load(sentence + c), length));
}
static void pool(const biolord::PoolTask& t) {
  const FloatMode mode;
  for (int text = 0; text < t.texts; text++) {
    const size_t out = static_cast<size_t>(text) * t.dim;
    const int tokens = t.starts[text + 1] - t.starts[text];
    const Pooled p = {t.x + static_cast<size_t>(t.starts[text]) * t.dim, t.skipped, tokens, pool_scale(t.mode, t.skipped, tokens)};
    pool_text(t, p, t.sentence + out, t.unit + out);
  }
}

// Sixteen numbers of a row, zeros behind its end.
INLINE Floats load_part(const float* row, int from, int width) {
  if (width - from >= 16) return load(row + from);
  alignas(64) float part[16] = {};
  for (int i = from; i < width; i++) part[i - from] = row[i];
  return load(part);
}
INLINE void store_part(float* row, int from, int width, Floats v) {
  if (width - from >= 16) return store(row + from, v);
  alignas(64) float part[16];
  store(part, v);
  for (int i = from; i < width; i++) row[i] = part[i - from];
}
static void unit(const biolord::UnitTask& t) {
  const FloatMode mode;
  for (int row = 0; row < t.rows; row++) {
    const float* x = t.x + static_cast<size_t>(row) * t.width;
    float* y = t.y + static_cast<size_t>(row) * t.width;
    Floats squares = all(0);
    for (int c = 0; c < t.width; c += 16) {
      const Floats v = load_part(x, c, t.width);
      squares = fma(v, v, squares);
    }
    const Floats length = all(inverse_length(sum(squares)));
    for (int c = 0; c < t.width; c += 16) store_part(y, c, t.width, mul(load_part(x, c, t.width), length));
  }
}

}  // namespace
