// Attention of one head in one text, in float32: scores, softmax, mixture of values.
#pragma once
#include "body/products.h"

namespace {

struct Head {
  const float *queries, *keys, *values;  // rows of `stride` floats
  int stride, width, length, wide;       // wide: the length in whole vectors
  const float* bias;                     // bias[key - query], or null
  float scale;
  float* turned;  // keys, [width][wide]
  float* scores;  // [kScoreRows][wide]
  float* out;
  int out_stride;
};

// Scores of some queries with J vectors of keys.
template <int J>
struct ScoreBlock {
  template <int R>
  static INLINE_MEMBER void run(const Head& h, int query, int key, float* scores) {
    Floats s[R][J];
    UNROLL for (int r = 0; r < R; r++)
      UNROLL for (int c = 0; c < J; c++) s[r][c] = all(0);
    const float *q = h.queries + static_cast<size_t>(query) * h.stride, *keys = h.turned + key;
    for (int d = 0; d < h.width; d++, keys += h.wide) {
      Floats k[J];
      UNROLL for (int c = 0; c < J; c++) k[c] = load(keys + 16 * c);
      UNROLL for (int r = 0; r < R; r++) {
        const Floats x = all(q[static_cast<size_t>(r) * h.stride + d]);
        UNROLL for (int c = 0; c < J; c++) s[r][c] = fma(x, k[c], s[r][c]);
      }
    }
    UNROLL for (int r = 0; r < R; r++)
      UNROLL for (int c = 0; c < J; c++) {
        const Floats bias = h.bias ? load(h.bias + key + 16 * c - (query + r)) : all(0);
        store(scores + static_cast<size_t>(r) * h.wide + key + 16 * c, fma(s[r][c], all(h.scale), bias));
      }
  }
};

// Scores to probabilities times their sum; returns 1 / sum. Lanes beyond the text become zeros.
INLINE float softmax(float* row, int length, int wide) {
  const int last = wide - 16, count = length - last;
  const Floats tail = keep_first(load(row + last), count, -1e30f);
  Floats top = tail;
  for (int j = 0; j < last; j += 16) top = max(load(row + j), top);
  const Floats most = all(highest(top));
  Floats sums = all(0);
  for (int j = 0; j < last; j += 16) {
    const Floats p = exp_of_negative(sub(load(row + j), most));
    store(row + j, p);
    sums = add(sums, p);
  }
  const Floats p = keep_first(exp_of_negative(sub(tail, most)), count, 0);
  store(row + last, p);
  return 1.0f / sum(add(sums, p));
}

// V vectors of the mixtures of some queries.
template <int V>
struct ValueBlock {
  template <int R>
  static INLINE_MEMBER void run(const Head& h, const float* scores, const float* inverse, int query, int channel) {
    Floats o[R][V];
    UNROLL for (int r = 0; r < R; r++)
      UNROLL for (int c = 0; c < V; c++) o[r][c] = all(0);
    const float* values = h.values + channel;
    for (int j = 0; j < h.length; j++, values += h.stride) {
      Floats v[V];
      UNROLL for (int c = 0; c < V; c++) v[c] = load(values + 16 * c);
      UNROLL for (int r = 0; r < R; r++) {
        const Floats p = all(scores[static_cast<size_t>(r) * h.wide + j]);
        UNROLL for (int c = 0; c < V; c++) o[r][c] = fma(p, v[c], o[r][c]);
      }
    }
    UNROLL for (int r = 0; r < R; r++)
      UNROLL for (int c = 0; c < V; c++)
        store(h.out + static_cast<size_t>(query + r) * h.out_stride + channel + 16 * c, mul(o[r][c], all(inverse[r])));
  }
};

INLINE void score_rows(const Head& h, int query, int rows) {
  int key = 0;
  if constexpr (kScorePairs > 0)
    for (; key + 32 <= h.wide; key += 32)
      for (int r = 0, count; r < rows; r += count) {
        count = block_rows(rows - r, kScorePairs);
        run_rows<ScoreBlock<2>, kScorePairs>(count, h, query + r, key, h.scores + static_cast<size_t>(r) * h.wide);
      }
  for (; key < h.wide; key += 16)
    run_rows<ScoreBlock<1>, kScoreRows>(rows, h, query, key, h.scores);
}
template <int V>
INLINE void mix_channels(const Head& h, const float* inverse, int query, int rows, int channel) {
  for (int r = 0, count; r < rows; r += count) {
    count = block_rows(rows - r, kValueRows);
    run_rows<ValueBlock<V>, kValueRows>(count, h, h.scores + static_cast<size_t>(r) * h.wide, inverse + r, query + r, channel);
  }
}
INLINE void mix_rows(const Head& h, const float* inverse, int query, int rows) {
  int channel = 0;
  for (; channel + 16 * kValueVectors <= h.width; channel += 16 * kValueVectors)
    mix_channels<kValueVectors>(h, inverse, query, rows, channel);
  if constexpr (kValueVectors > 2)
    for (; channel + 32 <= h.width; channel += 32) mix_channels<2>(h, inverse, query, rows, channel);
  for (; channel < h.width; channel += 16) mix_channels<1>(h, inverse, query, rows, channel);
}

static void attend(const Head& h) {
  // Rows beyond the text are read, and their lanes masked in the softmax.
  for (int j = 0; j < h.wide; j += 16)
    for (int d = 0; d < h.width; d += 16)
      transpose(h.keys + static_cast<size_t>(j) * h.stride + d, h.stride, h.turned + static_cast<size_t>(d) * h.wide + j, h.wide);
  float inverse[kScoreRows];
  for (int i = 0, count; i < h.length; i += count) {
    count = block_rows(h.length - i, kScoreRows);
    score_rows(h, i, count);
    for (int r = 0; r < count; r++) inverse[r] = softmax(h.scores + static_cast<size_t>(r) * h.wide, h.length, h.wide);
    mix_rows(h, inverse, i, count);
  }
}

}  // namespace
