// Exact 8-bit products: rows of unsigned bytes, in tiles, times packed signed bytes. A kind brings a
//
//   Tile::multiply(a, rows, K, b0, b1, colsum, sums): int32 sums[16][32] of up to 16 rows and two panels of 16 outputs
//
// or products of its own. Either way an epilogue e(row, column, sums) gets 16 sums of neighboring outputs at a time.
#pragma once
#include "body/rows.h"

namespace {

// Memory for two panels that are widened from 4 bits.
INLINE size_t panels_room(const biolord::Linear& w) { return w.group_scales ? static_cast<size_t>(w.inputs) * 32 : 0; }

// One panel of 16 outputs from 4 bits to 8: each byte holds the weights of one output for two lines of inputs.
static void widen_panel(const biolord::Linear& w, int n, int8_t* to) {
  const int8_t* from = w.packed + static_cast<size_t>(n) * (w.inputs / 2);
  const int8_t* group_scales = w.group_scales + static_cast<size_t>(n) * (w.inputs / w.group);
  for (int k = 0; k < w.inputs; k += w.group, group_scales += 16) {
    alignas(64) int8_t scales[64];
    for (int i = 0; i < 64; i++) scales[i] = group_scales[i / 4];
    for (int c = 0; c < w.group; c += 8, from += 64, to += 128)
      for (int i = 0; i < 64; i++) {
        const uint8_t both = static_cast<uint8_t>(from[i]);
        to[i] = static_cast<int8_t>(((both & 15) - 8) * scales[i]);
        to[64 + i] = static_cast<int8_t>(((both >> 4) - 8) * scales[i]);
      }
  }
}
struct Panels {
  const int8_t *first, *second;
};
INLINE Panels panels(const biolord::Linear& w, int n, int8_t* room) {
  if (!w.group_scales) {
    const int8_t* first = w.packed + static_cast<size_t>(n) * w.inputs;
    return {first, first + 16 * static_cast<size_t>(w.inputs)};
  }
  int8_t* second = room + 16 * static_cast<size_t>(w.inputs);
  widen_panel(w, n, room);
  widen_panel(w, n + 16, second);
  return {room, second};
}
template <class Epilogue>
INLINE void hand_out(const int32_t* sums, int rows, int m, int n, Epilogue e) {
  for (int r = 0; r < rows; r++) {
    e(m + r, n, load_ints(sums + r * 32));
    e(m + r, n + 16, load_ints(sums + r * 32 + 16));
  }
}
// Calls Block::run<R> for blocks of at most Most rows that are about the same size.
template <class Block, int R, class... A>
INLINE void run_rows(int rows, A... arguments) {
  if constexpr (R > 0) {
    if (rows == R) Block::template run<R>(arguments...);
    else run_rows<Block, R - 1>(rows, arguments...);
  }
}
INLINE int block_rows(int left, int most) { return divide_up(left, divide_up(left, most)); }

template <class Tile, class Epilogue>
INLINE void tile_products(const uint8_t* a, int rows, const biolord::Linear& w, int n0, int n1, int8_t* room, Epilogue e) {
  alignas(64) int32_t sums[16 * 32];
  for (int n = n0; n < n1; n += 32) {
    const Panels b = panels(w, n, room);
    for (int m = 0; m < rows; m += 16) {
      const int count = at_most(16, rows - m);
      Tile::multiply(a + place(m, 0, w.inputs), count, w.inputs, b.first, b.second, w.colsum + n, sums);
      hand_out(sums, count, m, n, e);
    }
  }
}

}  // namespace
