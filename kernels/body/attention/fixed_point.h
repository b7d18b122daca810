// Queries, keys and values of one head in one text in fixed point, 16 bits, and the memory that its attention takes.
#pragma once
#include "arena.h"
#include "body/products.h"

namespace {

// Powers of two: they scale without a rounding of their own, and sums of products fit in 32 bits.
constexpr float kMostMixed = 16384;  // the weights of a query's keys add up to about that, and a value is no larger
constexpr int kChunk = 512;          // keys whose weights are rounded together
// Queries and keys are no larger than this.
INLINE float most_scored(int width) {
  float most = 16384;
  while (static_cast<float>(width) * most * most > 1073741824.0f) most /= 2;
  return most;
}

// Scratch memory for heads of `width` channels and texts of up to `wide` tokens, a multiple of 16.
struct HeadRoom {
  int wide, scored, weighed;
  int16_t* queries;  // [kScoreRows][scored]; also rows of keys: [16][scored]
  int16_t* keys;     // pairs of channels: [scored / 2][wide][2]
  int16_t* values;   // pairs of rows: [wide / 2][width][2]
  float* scores;     // [kScoreRows][wide]
  int16_t* weights;  // [kScoreRows][weighed]

  HeadRoom(int width, int wide_)
      : wide(wide_), scored(round_up(width, 32)), weighed(round_up(at_most(wide_, kChunk), 32)) {}
  INLINE_MEMBER size_t bytes(int width) const {
    using biolord::Arena;
    return Arena::room<int16_t>(16 * scored) + Arena::room<int16_t>(static_cast<size_t>(scored) * wide) +
           Arena::room<int16_t>(static_cast<size_t>(width) * wide) + Arena::room<float>(static_cast<size_t>(kScoreRows) * wide) +
           Arena::room<int16_t>(kScoreRows * weighed);
  }
  INLINE_MEMBER void take(biolord::Arena& arena, int width) {
    queries = arena.take<int16_t>(16 * scored), keys = arena.take<int16_t>(static_cast<size_t>(scored) * wide);
    values = arena.take<int16_t>(static_cast<size_t>(width) * wide);
    scores = arena.take<float>(static_cast<size_t>(kScoreRows) * wide), weights = arena.take<int16_t>(kScoreRows * weighed);
  }
};

// Rows of a text's queries, keys or values, all of which share a grid: the largest of them without its sign, or what isn't
// finite where one of them isn't.
struct Rows {
  const float* x;
  int stride, width, count;
};
NOT_INLINE static float largest(const Rows& rows) {
  Floats top[4], zeros[4];  // a maximum forgets what is not a number, times 0 it stays
  UNROLL for (int i = 0; i < 4; i++) top[i] = all(1e-20f), zeros[i] = all(0);
  for (int c = 0; c < rows.width; c += 16) {
    const float* x = rows.x + c;
    int j = 0;
    for (; j + 4 <= rows.count; j += 4, x += 4 * rows.stride)
      UNROLL for (int i = 0; i < 4; i++) {
        const Floats v = load(x + i * rows.stride);
        top[i] = max(abs(v), top[i]), zeros[i] = fma(v, all(0), zeros[i]);
      }
    for (; j < rows.count; j++, x += rows.stride) {
      const Floats v = load(x);
      top[0] = max(abs(v), top[0]), zeros[0] = fma(v, all(0), zeros[0]);
    }
  }
  return highest(max(max(top[0], top[1]), max(top[2], top[3]))) + total(zeros);
}
static_assert(kScoreRows <= 16, "queries are rounded where 16 keys are");
// Some rows of them, `scored` apart, with zeros up to there.
INLINE void round_rows(const float* x, int stride, int width, int count, float unit, int16_t* to, int scored) {
  for (int r = 0; r < count; r++, x += stride, to += scored)
    for (int d = 0; d < width; d += 32)
      store_int16(to + d, mul(load(x + d), all(unit)), d + 16 < width ? mul(load(x + d + 16), all(unit)) : all(0));
}
// What stands for keys beyond the last, and for a row of values beyond it, gets no weight.
NOT_INLINE static void round_keys(const Rows& keys, float unit, const HeadRoom& room) {
  for (int j = 0; j < keys.count; j += 16) {
    round_rows(keys.x + static_cast<size_t>(j) * keys.stride, keys.stride, keys.width, at_most(16, keys.count - j), unit, room.queries, room.scored);
    for (int d = 0; d < keys.width; d += 32)
      transpose_pairs(room.queries + d, room.scored, room.keys + static_cast<size_t>(d) * room.wide + 2 * j, 2 * room.wide);
  }
}
NOT_INLINE static void round_values(const Rows& values, float unit, int16_t* to) {
  for (int j = 0; j < values.count; j += 2, to += 2 * values.width) {
    const float *row = values.x + static_cast<size_t>(j) * values.stride, *next = row + values.stride;
    for (int c = 0; c < values.width; c += 16) store_pairs(to + 2 * c, mul(load(row + c), all(unit)), mul(load(next + c), all(unit)));
  }
}

}  // namespace
