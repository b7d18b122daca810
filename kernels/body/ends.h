// The graph's beginning: token ids to the first hidden rows.
#pragma once
#include "body/mode.h"
#include "body/rows.h"

namespace {

INLINE void embed_token(const biolord::EmbedTask& t, int64_t id, int place, float* y) {
  const int8_t* row = t.table + id * t.dim;
  const float* scales = t.scales + id * (t.dim / 64);
  const float* positions = t.positions + static_cast<size_t>(place) * t.dim;
  for (int c = 0; c < t.dim; c += 16) store(y + c, fma(widened(row + c), all(scales[c / 64]), load(positions + c)));
  layer_norm(y, y, t.dim, t.norm);
}
static void embed(const biolord::EmbedTask& t) {
  const FloatMode mode;
  for (int text = 0; text < t.texts; text++) {
    int place = t.first_position;
    for (int i = t.starts[text]; i < t.starts[text + 1]; i++) {
      const int64_t id = t.ids[text * t.length + i - t.starts[text]];
      embed_token(t, id, id == t.pad_id ? t.first_position - 1 : place++, t.y + static_cast<size_t>(i) * t.dim);
    }
  }
}

}  // namespace
