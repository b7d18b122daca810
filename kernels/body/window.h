// Attention of one head in one text, in float32, each query to the keys at most a window away: scores, softmax, mixture of
// values. Queries go in blocks; the keys that any of a block sees are worked on, and what a query doesn't see gets no weight.
#pragma once
#include "body/mixture.h"

namespace {

struct Window {
  const float *queries, *keys, *values;  // rows of `stride` floats
  int stride, width, length, wide;       // wide: the length in whole vectors
  int reach;
  const float* bias;                     // bias[key - query], or null
  float scale;
  float* turned;  // keys, [width][wide]
  float* scores;  // [kScoreRows][wide]
  float* out;
  int out_stride;

  // The keys that a query sees.
  INLINE_MEMBER int from(int query) const { return query > reach ? query - reach : 0; }
  INLINE_MEMBER int to(int query) const { return at_most(length, query + reach + 1); }
};
// The keys that a block of queries sees, from a whole vector on; `vectors` floats of scores cover them.
struct Sight {
  int first, last, vectors;
};

template <int J>
struct SightScores {
  template <int R>
  static INLINE_MEMBER void run(const Window& h, int query, int key, float* scores) {
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
        store(scores + static_cast<size_t>(r) * h.wide + 16 * c, fma(s[r][c], all(h.scale), bias));
      }
  }
};
INLINE void score_sight(const Window& h, const Sight& sight, int query, int rows) {
  int j = 0;
  if constexpr (kScorePairs > 0) {
    for (; j + 64 <= sight.vectors; j += 64)
      for (int r = 0, count; r < rows; r += count) {
        count = block_rows(rows - r, kScorePairs);
        run_rows<SightScores<4>, kScorePairs>(count, h, query + r, sight.first + j, h.scores + static_cast<size_t>(r) * h.wide + j);
      }
    for (; j + 32 <= sight.vectors; j += 32)
      for (int r = 0, count; r < rows; r += count) {
        count = block_rows(rows - r, kScorePairs);
        run_rows<SightScores<2>, kScorePairs>(count, h, query + r, sight.first + j, h.scores + static_cast<size_t>(r) * h.wide + j);
      }
  }
  for (; j < sight.vectors; j += 16)
    run_rows<SightScores<1>, kScoreRows>(rows, h, query, sight.first + j, h.scores + j);
}

// Ones where a lane's place is one of from ... to - 1, else zeros.
INLINE Floats seen_lanes(int from, int to) {
  alignas(64) static const float zeros_ones_zeros[48] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,
                                                         1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const int low = from > 0 ? at_most(from, 16) : 0, high = to < 16 ? (to > 0 ? to : 0) : 16;
  return mul(load(zeros_ones_zeros + 16 - low), load(zeros_ones_zeros + 32 - high));
}
// Scores of places from ... to - 1: the highest of each lane. Others in their vectors become lower than all.
INLINE Floats hide_others(float* row, int from, int to) {
  Floats top = all(-1e30f);
  for (int j = from / 16 * 16; j < to; j += 16) {
    const Floats s = load(row + j);
    if (j >= from && j + 16 <= to) {
      top = max(s, top);
      continue;
    }
    const Floats ones = seen_lanes(from - j, to - j), hidden = fma(s, ones, mul(sub(ones, all(1)), all(1e30f)));
    store(row + j, hidden);
    top = max(hidden, top);
  }
  return top;
}
// The same scores to probabilities times their sum, which is what the lanes returned add up to; all others to zeros.
INLINE Floats weigh(float* row, int vectors, int from, int to, Floats most) {
  const int first = from / 16 * 16, end = round_up(to, 16);
  Floats sums = all(0);
  for (int j = 0; j < first; j += 16) store(row + j, all(0));
  for (int j = first; j < end; j += 16) {
    Floats p = exp_of_negative(sub(load(row + j), most));
    if (j < from || j + 16 > to) p = mul(p, seen_lanes(from - j, to - j));
    store(row + j, p);
    sums = add(sums, p);
  }
  for (int j = end; j < vectors; j += 16) store(row + j, all(0));
  return sums;
}
// Softmax for some queries but for the factors that are returned in `inverse`. Each step for all of them: nothing waits for
// the lanes of one row to be folded.
INLINE void softmax_sight(const Window& h, const Sight& sight, int query, int rows, float* inverse) {
  alignas(64) float lanes[kScoreRows * 16];
  for (int r = 0; r < rows; r++)
    store(lanes + 16 * r, hide_others(h.scores + static_cast<size_t>(r) * h.wide, h.from(query + r) - sight.first,
                                      h.to(query + r) - sight.first));
  for (int r = 0; r < rows; r++) inverse[r] = highest(load(lanes + 16 * r));
  for (int r = 0; r < rows; r++)
    store(lanes + 16 * r, weigh(h.scores + static_cast<size_t>(r) * h.wide, sight.vectors, h.from(query + r) - sight.first,
                                h.to(query + r) - sight.first, all(inverse[r])));
  for (int r = 0; r < rows; r++) inverse[r] = 1.0f / sum(load(lanes + 16 * r));
}

static void attend_window(const Window& h) {
  // Rows beyond the text are read, and get no weight.
  for (int j = 0; j < h.wide; j += 16)
    for (int d = 0; d < h.width; d += 16)
      transpose(h.keys + static_cast<size_t>(j) * h.stride + d, h.stride, h.turned + static_cast<size_t>(d) * h.wide + j, h.wide);
  float inverse[kScoreRows];
  for (int i = 0, count; i < h.length; i += count) {
    count = block_rows(h.length - i, kScoreRows);
    const int first = h.from(i) / 16 * 16, last = h.to(i + count - 1);
    const Sight sight = {first, last, round_up(last - first, 16)};
    score_sight(h, sight, i, count);
    softmax_sight(h, sight, i, count, inverse);
    const Mixture mixture = {h.values + static_cast<size_t>(first) * h.stride, h.stride, last - first, h.scores, h.wide,
                             h.out + static_cast<size_t>(i) * h.out_stride, h.out_stride};
    mix_rows(mixture, h.width, inverse, count);
  }
}

}  // namespace
