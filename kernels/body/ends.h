// The graph's ends: token ids to the first hidden rows, the last hidden rows to vectors.
#pragma once
#include "body/mode.h"
#include "body/rows.h"

namespace {

// `type`: the row of its token type, or null.
INLINE void embed_token(const biolord::EmbedTask& t, int64_t id, int place, const float* type, float* y) {
  const int8_t* row = t.table + id * t.dim;
  const float* scales = t.scales + id * (t.dim / 64);
  const float* positions = t.positions ? t.positions + static_cast<size_t>(place) * t.dim : nullptr;
  for (int c = 0; c < t.dim; c += 16) {
    const Floats value = widened(row + c), scale = all(scales[c / 64]);
    store(y + c, t.positions ? fma(value, scale, load(positions + c)) : mul(value, scale));
  }
  if (type)
    for (int c = 0; c < t.dim; c += 16) store(y + c, add(load(y + c), load(type + c)));
  layer_norm(y, y, t.dim, t.norm);
}
static void embed(const biolord::EmbedTask& t) {
  const FloatMode mode;
  for (int text = 0; text < t.texts; text++) {
    int place = t.first_position;
    for (int i = t.starts[text]; i < t.starts[text + 1]; i++) {
      const int64_t at = text * t.length + i - t.starts[text], id = t.ids[at];
      const float* type = t.types ? t.types + t.type_ids[at] * t.dim : nullptr;
      embed_token(t, id, id == t.pad_id ? t.first_position - 1 : place++, type, t.y + static_cast<size_t>(i) * t.dim);
    }
  }
}

INLINE void pool_text(const biolord::PoolTask& t, const float* x, int tokens, float* sentence, float* unit) {
  const Floats inverse = all(1.0f / static_cast<float>(tokens));
  Floats squares = all(0);
  for (int c = 0; c < t.dim; c += 16) {
    Floats v = load(x + c);
    if (!t.first_token) {
      Floats sums = all(0);
      for (int i = 0; i < tokens; i++) sums = add(sums, load(x + static_cast<size_t>(i) * t.dim + c));
      v = mul(sums, inverse);
    }
    store(sentence + c, v);
    squares = fma(v, v, squares);
  }
  const Floats length = all(1.0f / greater(__builtin_sqrtf(sum(squares)), 1e-12f));
  for (int c = 0; c < t.dim; c += 16) store(unit + c, mul(load(sentence + c), length));
}
static void pool(const biolord::PoolTask& t) {
  const FloatMode mode;
  for (int text = 0; text < t.texts; text++) {
    const size_t out = static_cast<size_t>(text) * t.dim;
    pool_text(t, t.x + static_cast<size_t>(t.starts[text]) * t.dim, t.starts[text + 1] - t.starts[text], t.sentence + out,
              t.unit + out);
  }
}

}  // namespace
