// Exact 8-bit products: rows of unsigned bytes, in tiles, times packed signed bytes. A kind brings a
//
//   Tile::multiply(a, rows, K, b0, b1, colsum, sums): int32 sums[16][32] of up to 16 rows and two panels of 16 outputs
//
// or products of its own. Either way an epilogue e(row, column, sums) gets 16 sums of neighboring outputs at a time.
#pragma once
#include "body/rows.h"

namespace {

// Memory for panels that are widened from 4 bits: two that are multiplied, and two that come next.
INLINE size_t panels_room(const biolord::Linear& w) { return w.group_scales ? static_cast<size_t>(w.inputs) * 64 : 0; }

// The lines of a panel of 16 outputs in 4 bits; each becomes two lines of 8 bits.
struct HalfLines {
  const int8_t *from, *group_scales;
  int lines_each, left = 0;  // lines of a group, lines left of this one
  GroupScales scales;
  HalfLines(const biolord::Linear& w, int n)
      : from(w.packed + static_cast<size_t>(n) * (w.inputs / 2)),
        group_scales(w.group_scales + static_cast<size_t>(n) * (w.inputs / w.group)),
        lines_each(w.group / 8) {}
  INLINE_MEMBER void widen(int lines, int8_t* to) {
    for (int i = 0; i < lines; i++, left--, from += 64, to += 128) {
      if (left == 0) scales = load_group_scales(group_scales), group_scales += 16, left = lines_each;
      widen_line(from, scales, to);
    }
  }
};
struct Panels {
  const int8_t *first, *second;
};
NOT_INLINE static Panels panels(const biolord::Linear& w, int n, int8_t* room) {
  if (!w.group_scales) {
    const int8_t* first = w.packed + static_cast<size_t>(n) * w.inputs;
    return {first, first + 16 * static_cast<size_t>(w.inputs)};
  }
  int8_t* second = room + 16 * static_cast<size_t>(w.inputs);
  HalfLines(w, n).widen(w.inputs / 8, room);
  HalfLines(w, n + 16).widen(w.inputs / 8, second);
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
