// The mixture of a head's values, in float32.
#pragma once
#include "body/products.h"

namespace {

struct Mixture {
  const float* values;  // `count` rows of `stride` floats
  int stride, count;
  const float* scores;  // of each query, `scores_stride` floats apart
  int scores_stride;
  float* out;
  int out_stride;
};

constexpr int kAhead = 4;  // rows: their stride is too large for the CPU's own prefetching

// V vectors of the mixtures of some queries.
template <int V>
struct ValueBlock {
  template <int R>
  static INLINE_MEMBER void run(const Mixture& h, const float* inverse, int query, int channel) {
    Floats o[R][V];
    UNROLL for (int r = 0; r < R; r++)
      UNROLL for (int c = 0; c < V; c++) o[r][c] = all(0);
    const float *values = h.values + channel, *scores = h.scores + static_cast<size_t>(query) * h.scores_stride;
    for (int j = 0; j < h.count; j++, values += h.stride) {
      Floats v[V];
      UNROLL for (int c = 0; c < V; c++) {
        v[c] = load(values + 16 * c);
        __builtin_prefetch(values + kAhead * h.stride + 16 * c);
      }
      UNROLL for (int r = 0; r < R; r++) {
        const Floats p = all(scores[static_cast<size_t>(r) * h.scores_stride + j]);
        UNROLL for (int c = 0; c < V; c++) o[r][c] = fma(p, v[c], o[r][c]);
      }
    }
    UNROLL for (int r = 0; r < R; r++)
      UNROLL for (int c = 0; c < V; c++)
        store(h.out + static_cast<size_t>(query + r) * h.out_stride + channel + 16 * c, mul(o[r][c], all(inverse[query + r])));
  }
};
template <int V>
INLINE void mix_channels(const Mixture& h, const float* inverse, int rows, int channel) {
  for (int r = 0, count; r < rows; r += count) {
    count = block_rows(rows - r, kValueRows);
    run_rows<ValueBlock<V>, kValueRows>(count, h, inverse, r, channel);
  }
}
NOT_INLINE static void mix_rows(const Mixture& h, int width, const float* inverse, int rows) {
  int channel = 0;
  for (; channel + 16 * kValueVectors <= width; channel += 16 * kValueVectors) mix_channels<kValueVectors>(h, inverse, rows, channel);
  if constexpr (kValueVectors > 2)
    for (; channel + 32 <= width; channel += 32) mix_channels<2>(h, inverse, rows, channel);
  for (; channel < width; channel += 16) mix_channels<1>(h, inverse, rows, channel);
}

}  // namespace
