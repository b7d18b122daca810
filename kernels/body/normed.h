// A row normalized on its way to being rounded: what halves of a layer read whose sums aren't normalized.
#pragma once
#include "body/rows.h"

namespace {

NOT_INLINE static Range norm_row(const float* x, int n, const biolord::Norm& norm, float* to) {
  layer_norm(x, to, n, norm);
  Range seen;
  seen.clear();
  for (int i = 0; i < n; i += 64)
    UNROLL for (int j = 0; j < 4; j++) seen.see(j, load(to + i + 16 * j));
  return seen;
}

}  // namespace
