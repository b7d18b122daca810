// Attention of one head in one text, each query to the keys at most a window away: scores, softmax, mixture of values. Both
// products are of whole numbers, and exact. Queries go in blocks; the keys that any of a block sees are worked on, and what a
// query doesn't see gets no weight.
#pragma once
#include "body/attention/fixed_point.h"
#include "body/attention/mixture.h"

namespace {

struct Window {
  const float *queries, *keys, *values;  // rows of `stride` floats
  int stride, width, length;
  int reach;
  const float* bias;  // bias[key - query], or null
  float* out;
  int out_stride;

  // The keys that a query sees.
  INLINE_MEMBER int from(int query) const { return query > reach ? query - reach : 0; }
  INLINE_MEMBER int to(int query) const { return at_most(length, query + reach + 1); }
};
// Some queries, and the keys that any of them sees, from a whole vector on; `vectors` floats of scores cover them.
struct Sight {
  int query, rows;
  int first, last, vectors;
};

template <int J>
struct SightScores {
  template <int R>
  static INLINE_MEMBER void run(const Window& h, const Sight& sight, const HeadRoom& room, float scale, int row, int key) {
    Ints s[R][J];
    UNROLL for (int r = 0; r < R; r++)
      UNROLL for (int c = 0; c < J; c++) s[r][c] = no_ints();
    const int16_t *q = room.queries + row * room.scored, *keys = room.keys + 2 * (sight.first + key);
    for (int d = 0; d < h.width; d += 2, keys += 2 * room.wide) {
      Pairs k[J];
      UNROLL for (int c = 0; c < J; c++) k[c] = load_pairs(keys + 32 * c);
      UNROLL for (int r = 0; r < R; r++) {
        int32_t two;
        memcpy(&two, q + r * room.scored + d, 4);
        UNROLL for (int c = 0; c < J; c++) s[r][c] = add_pairs(s[r][c], two, k[c]);
      }
    }
    UNROLL for (int r = 0; r < R; r++)
      UNROLL for (int c = 0; c < J; c++) {
        const Floats bias = h.bias ? load(h.bias + sight.first + key + 16 * c - (sight.query + row + r)) : all(0);
        store(room.scores + static_cast<size_t>(row + r) * room.wide + key + 16 * c, fma(to_floats(s[r][c]), all(scale), bias));
      }
  }
};
template <int J, int R>
INLINE void score_vectors(const Window& h, const Sight& sight, const HeadRoom& room, float scale, int key) {
  for (int r = 0, count; r < sight.rows; r += count) {
    count = block_rows(sight.rows - r, R);
    run_rows<SightScores<J>, R>(count, h, sight, room, scale, r, key);
  }
}
NOT_INLINE static void score_sight(const Window& h, const Sight& sight, const HeadRoom& room, float scale, float unit) {
  const float* queries = h.queries + static_cast<size_t>(sight.query) * h.stride;
  round_rows(queries, h.stride, h.width, sight.rows, unit, room.queries, room.scored);
  int j = 0;
  if constexpr (kScorePairs > 0) {
    for (; j + 64 <= sight.vectors; j += 64) score_vectors<4, kScorePairs>(h, sight, room, scale, j);
    for (; j + 32 <= sight.vectors; j += 32) score_vectors<2, kScorePairs>(h, sight, room, scale, j);
  }
  for (; j < sight.vectors; j += 16) score_vectors<1, kScoreRows>(h, sight, room, scale, j);
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

// The keys of a chunk that a block sees, counted from the first of the block's.
struct Chunk {
  int from, to;
  Chunk(const Sight& sight, int number)
      : from(number * kChunk > sight.first ? number * kChunk - sight.first : 0), to(at_most((number + 1) * kChunk, sight.last) - sight.first) {}
};
constexpr int kMostChunks = biolord::kMaxTurned / kChunk;

// Sums of the weights of each chunk, for each query of a block. Each step for all queries: nothing waits for the lanes of one
// row to be folded.
struct Sums {
  float of[kMostChunks][kScoreRows], total[kScoreRows];
};
INLINE void softmax_sight(const Window& h, const Sight& sight, const HeadRoom& room, Sums& sums) {
  alignas(64) float lanes[kScoreRows * 16];
  float most[kScoreRows];
  for (int r = 0; r < sight.rows; r++)
    store(lanes + 16 * r, hide_others(room.scores + static_cast<size_t>(r) * room.wide, h.from(sight.query + r) - sight.first,
                                      h.to(sight.query + r) - sight.first));
  for (int r = 0; r < sight.rows; r++) most[r] = highest(load(lanes + 16 * r)), sums.total[r] = 0;
  for (int c = sight.first / kChunk; c * kChunk < sight.last; c++) {
    const Chunk chunk(sight, c);
    for (int r = 0; r < sight.rows; r++) {
      const int begin = sight.first + chunk.from, to = at_most(h.to(sight.query + r) - begin, chunk.to - chunk.from);
      const int from = h.from(sight.query + r) > begin ? h.from(sight.query + r) - begin : 0;
      const bool seen = from < to;
      store(lanes + 16 * r, weigh(room.scores + static_cast<size_t>(r) * room.wide + chunk.from, round_up(chunk.to - chunk.from, 16),
                                  seen ? from : 0, seen ? to : 0, all(most[r])));
    }
    for (int r = 0; r < sight.rows; r++) sums.of[c][r] = sum(load(lanes + 16 * r)), sums.total[r] += sums.of[c][r];
  }
}
// The weights of a chunk to whole numbers.
INLINE void round_weights(const Sight& sight, const Chunk& chunk, const HeadRoom& room, const float* sums) {
  const int count = chunk.to - chunk.from;
  for (int r = 0; r < sight.rows; r++) {
    const Floats unit = all(kMostMixed / greater(sums[r], 1e-30f));
    const float* p = room.scores + static_cast<size_t>(r) * room.wide + chunk.from;
    for (int j = 0; j < count; j += 32)
      store_int16(room.weights + static_cast<size_t>(r) * room.weighed + j, mul(load(p + j), unit),
                   j + 16 < count ? mul(load(p + j + 16), unit) : all(0));
  }
}

// What isn't finite must not become a vector that is: infinity passes through the rounding that follows, other things don't.
NOT_INLINE static void spoil(const Window& h) {
  for (int i = 0; i < h.length; i++)
    for (int c = 0; c < h.width; c += 16) store(h.out + static_cast<size_t>(i) * h.out_stride + c, all(__builtin_inff()));
}
static void attend_window(const Window& h, const HeadRoom& room) {
  const Rows keys = {h.keys, h.stride, h.width, h.length}, values = {h.values, h.stride, h.width, h.length};
  const float most = most_scored(h.width), query_range = largest({h.queries, h.stride, h.width, h.length});
  const float key_range = largest(keys), value_range = largest(values);
  if (!(query_range + key_range + value_range < 3e38f)) return spoil(h);
  round_keys(keys, most / key_range, room);
  round_values(values, kMostMixed / value_range, room.values);
  const float scale = query_range / most * (key_range / most) / __builtin_sqrtf(static_cast<float>(h.width));
  const float step = value_range / (kMostMixed * kMostMixed);
  Sums sums;
  for (int i = 0, count; i < h.length; i += count) {
    count = block_rows(h.length - i, kScoreRows);
    const int first = h.from(i) / 16 * 16, last = h.to(i + count - 1);
    const Sight sight = {i, count, first, last, round_up(last - first, 16)};
    score_sight(h, sight, room, scale, most / query_range);
    softmax_sight(h, sight, room, sums);
    bool more = false;
    for (int c = first / kChunk; c * kChunk < last; c++, more = true) {
      const Chunk chunk(sight, c);
      float factors[kScoreRows];
      for (int r = 0; r < count; r++) factors[r] = sums.of[c][r] / sums.total[r] * step;
      round_weights(sight, chunk, room, sums.of[c]);
      mix_rows({room.values + static_cast<size_t>(first + chunk.from) * h.width, h.width, chunk.to - chunk.from, room.weights,
                room.weighed, factors, more, h.out + static_cast<size_t>(i) * h.out_stride, h.out_stride}, count);
    }
  }
}

}  // namespace
