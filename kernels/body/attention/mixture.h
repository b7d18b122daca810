// The mixture of a head's values: whole numbers of 16 bits, multiplied exactly.
#pragma once
#include "body/products.h"

namespace {

struct Mixture {
  const int16_t* values;  // pairs of rows: [count / 2][width][2]
  int width, count;
  const int16_t* weights;  // of each query, `stride` apart
  int stride;
  const float* factors;  // of each query
  bool more;             // to what is there already
  float* out;
  int out_stride;
};

// V vectors of the mixtures of some queries.
template <int V>
struct ValueBlock {
  template <int R>
  static INLINE_MEMBER void run(const Mixture& h, int query, int channel) {
    Ints o[R][V];
    UNROLL for (int r = 0; r < R; r++)
      UNROLL for (int c = 0; c < V; c++) o[r][c] = no_ints();
    const int16_t *values = h.values + 2 * channel, *weights = h.weights + static_cast<size_t>(query) * h.stride;
    for (int j = 0; j < h.count; j += 2, values += 2 * h.width) {
      Pairs v[V];
      UNROLL for (int c = 0; c < V; c++) v[c] = load_pairs(values + 32 * c);
      UNROLL for (int r = 0; r < R; r++) {
        int32_t two;
        memcpy(&two, weights + static_cast<size_t>(r) * h.stride + j, 4);
        UNROLL for (int c = 0; c < V; c++) o[r][c] = add_pairs(o[r][c], two, v[c]);
      }
    }
    UNROLL for (int r = 0; r < R; r++)
      UNROLL for (int c = 0; c < V; c++) {
        float* to = h.out + static_cast<size_t>(query + r) * h.out_stride + channel + 16 * c;
        store(to, fma(to_floats(o[r][c]), all(h.factors[query + r]), h.more ? load(to) : all(0)));
      }
  }
};
template <int V>
INLINE void mix_channels(const Mixture& h, int rows, int channel) {
  for (int r = 0, count; r < rows; r += count) {
    count = block_rows(rows - r, kValueRows);
    run_rows<ValueBlock<V>, kValueRows>(count, h, r, channel);
  }
}
NOT_INLINE static void mix_rows(const Mixture& h, int rows) {
  int channel = 0;
  for (; channel + 16 * kValueVectors <= h.width; channel += 16 * kValueVectors) mix_channels<kValueVectors>(h, rows, channel);
  if constexpr (kValueVectors > 2)
    for (; channel + 32 <= h.width; channel += 32) mix_channels<2>(h, rows, channel);
  for (; channel < h.width; channel += 16) mix_channels<1>(h, rows, channel);
}

}  // namespace
