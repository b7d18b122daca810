// Rotary positions: queries and keys turned by their places.
#pragma once
#include "body/rows.h"

namespace {

// Turns the pairs of a head's channels: the first half of them is what the second half belongs to.
INLINE void turn_head(float* head, int width, const float* turns) {
  const int half = width / 2;
  for (int d = 0; d < half; d += 16) {
    const Floats a = load(head + d), b = load(head + half + d), cosine = load(turns + d), sine = load(turns + half + d);
    store(head + d, sub(mul(a, cosine), mul(b, sine)));
    store(head + half + d, add(mul(b, cosine), mul(a, sine)));
  }
}
// `heads` of each row, queries first, then keys.
INLINE void turn_texts(const biolord::AttentionTask& t, int first, int texts, float* row, int heads, int width, int stride) {
  for (int text = first; text < first + texts; text++)
    for (int i = 0; i < t.starts[text + 1] - t.starts[text]; i++, row += stride)
      for (int h = 0; h < heads; h++) turn_head(row + h * width, width, t.turns + static_cast<size_t>(i) * width);
}

}  // namespace
