// Attention of one head in one text: scores of queries and keys in 8 bits, exactly; softmax and the mixture of values in
// float32.
#pragma once
#include "arena.h"
#include "body/mixture.h"

namespace {

constexpr int kQueryRows = 32;  // queries worked on at once: two tiles

// Scratch memory for heads of one width in texts up to some length.
struct HeadRoom {
  int inputs, most;  // channels in whole tiles, keys in whole pairs of panels
  explicit HeadRoom(int longest, int width) : inputs(round_up(width, 64)), most(round_up(longest, 32)) {}
  uint8_t* queries = nullptr;  // tiles of kQueryRows
  int8_t* keys = nullptr;      // packed
  uint8_t* tiles = nullptr;    // sixteen keys before they are packed
  float* columns = nullptr;    // of the keys: sums, then steps
  float* scores = nullptr;     // [kQueryRows][most]
  int8_t* products = nullptr;
  INLINE_MEMBER biolord::Linear linear() const {
    return {keys, nullptr, columns, columns + most, nullptr, inputs, most, inputs};
  }
  size_t bytes(size_t products_bytes) const {
    using biolord::Arena;
    return Arena::room<uint8_t>(kQueryRows * inputs) + Arena::room<int8_t>(most * inputs) + Arena::room<uint8_t>(16 * inputs) +
           Arena::room<float>(2 * most) +
           Arena::room<float>(kQueryRows * most) + Arena::room<int8_t>(products_bytes);
  }
  void take(biolord::Arena& arena, size_t products_bytes) {
    queries = arena.take<uint8_t>(kQueryRows * inputs), keys = arena.take<int8_t>(most * inputs);
    tiles = arena.take<uint8_t>(16 * inputs);
    columns = arena.take<float>(2 * most), scores = arena.take<float>(kQueryRows * most);
    products = arena.take<int8_t>(products_bytes);
  }
};

struct Head {
  const float *queries, *keys, *values;  // rows of `stride` floats
  int stride, width, length, wide;       // wide: the length in whole vectors
  const float* bias;                     // bias[key - query], or null
  float scale;
  const HeadRoom& room;
  float* out;
  int out_stride;
};

INLINE Floats channels_at(const float* x, int at, int width) { return at < width ? load(x + at) : all(0); }
// Sixteen rows, or the first `count` of them, to bytes around 128 in one row of tiles, each row on a grid of its own that is
// even around 0; returns the steps. Rows that aren't there become zeros.
INLINE Floats round_evenly(const float* x, int stride, int count, int width, int inputs, uint8_t* tiles) {
  alignas(64) float most[256], turned[256], units[16];
  for (int j = 0; j < 16; j++) {
    Floats seen = all(0);
    for (int k = 0; j < count && k < width; k += 16) seen = max(abs(load(x + static_cast<size_t>(j) * stride + k)), seen);
    store(most + 16 * j, seen);
  }
  transpose(most, 16, turned, 16);  // one reduction for all rows
  Floats largest = load(turned);
  for (int i = 16; i < 256; i += 16) largest = max(load(turned + i), largest);
  const Floats step = div(max(largest, all(1e-20f)), all(127)), middle = all(128);
  store(units, div(all(1), step));
  for (int j = 0; j < count; j++) {
    const float* row = x + static_cast<size_t>(j) * stride;
    const Floats unit = all(units[j]);
    for (int k = 0; k < inputs; k += 64)
      store_bytes(tiles + place(j, k, inputs), fma(channels_at(row, k, width), unit, middle),
                  fma(channels_at(row, k + 16, width), unit, middle), fma(channels_at(row, k + 32, width), unit, middle),
                  fma(channels_at(row, k + 48, width), unit, middle));
  }
  for (int j = count; j < 16; j++)
    for (int k = 0; k < inputs; k += 64) memset(tiles + place(j, k, inputs), 128, 64);
  return step;
}
// All keys as the outputs of a linear layer, whose weights they are.
INLINE void pack_keys(const Head& h) {
  const HeadRoom& r = h.room;
  const int bytes = r.inputs * 16;  // of a panel
  for (int panel = 0; panel < round_up(h.length, 32); panel += 16) {
    const float* x = h.keys + static_cast<size_t>(panel) * h.stride;
    const int count = at_most(16, h.length - panel);
    store(r.columns + r.most + panel, mul(round_evenly(x, h.stride, count > 0 ? count : 0, h.width, r.inputs, r.tiles), all(h.scale)));
    int8_t* packed = r.keys + static_cast<size_t>(panel) * r.inputs;
    for (int k = 0; k < bytes; k += 1024)  // four bytes move together
      transpose(reinterpret_cast<const float*>(r.tiles + k), 16, reinterpret_cast<float*>(packed + k), 16);
    Ints sums = no_ints();
    for (int k = 0; k < bytes; k += 64) sums = center_bytes(packed + k, sums);
    store(r.columns + panel, to_floats(sums));
  }
}
INLINE void score_rows(const Head& h, int query, int rows) {
  const HeadRoom& r = h.room;
  alignas(64) float steps[kQueryRows];
  for (int m = 0; m < rows; m += 16)
    store(steps + m, round_evenly(h.queries + static_cast<size_t>(query + m) * h.stride, h.stride, at_most(16, rows - m), h.width,
                                  r.inputs, r.queries + place(m, 0, r.inputs)));
  const biolord::Linear keys = r.linear();
  const float* bias = h.bias ? h.bias - query : nullptr;
  const float* step = steps;
  float* scores = r.scores;
  const size_t stride = static_cast<size_t>(r.most);
  products(r.queries, rows, keys, 0, round_up(h.length, 32), r.products, [=](int m, int n, Ints sums) ALWAYS_INLINE {
    store(scores + m * stride + n, dequantize(keys, n, to_floats(sums), {step[m], 128}, bias ? load(bias + n - m) : all(0)));
  });
}

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

static void attend(const Head& h) {
  float inverse[kQueryRows];
  pack_keys(h);
  for (int i = 0, count; i < h.length; i += count) {
    count = at_most(kQueryRows, h.length - i);
    score_rows(h, i, count);
    for (int r = 0; r < count; r++)
      inverse[r] = softmax(h.room.scores + static_cast<size_t>(r) * h.room.most, h.length, h.wide);
    const Mixture mixture = {h.values, h.stride, h.length, h.room.scores, h.room.most,
                             h.out + static_cast<size_t>(i) * h.out_stride, h.out_stride};
    mix_rows(mixture, h.width, inverse, count);
  }
}

}  // namespace
