// The graph's beginning: token ids to the first hidden rows.
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

}  // namespace
