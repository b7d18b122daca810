// Tiles of AMX: Sapphire Rapids and newer.
#include "lanes/avx512.h"
#include "kinds/amx_ring.h"
#include "kinds/vnni512_tile.h"

namespace {

// What a block's steps do for the next panels: fetch a few of their lines into the second-level cache, for the first one
// has room for the panels of this block and little more. What lies behind the last panels comes next as often as not.
struct Fetched {
  const int8_t *line, *end;
  int lines;
  Panels next;
  Fetched(const biolord::Linear& w, int n, bool, int steps, int8_t*)
      : line(w.packed + static_cast<size_t>(n) * w.inputs),
        end(line + w.inputs * 32),
        lines(divide_up(w.inputs / 2, steps)),
        next({line, line + w.inputs * 16}) {}
  INLINE_MEMBER void step() {
    for (int i = 0; i < lines && line < end; i++, line += 64) _mm_prefetch(reinterpret_cast<const char*>(line), _MM_HINT_T1);
  }
};
// Or widen a few of their lines from 4 bits, and fetch those of the panels after them.
struct Widened {
  HalfLines first, second;
  int left, lines;
  size_t panel;
  int8_t* to;
  Panels next;
  Widened(const biolord::Linear& w, int n, bool more, int steps, int8_t* room)
      : first(w, n), second(w, n + 16), left(more ? w.inputs / 8 : 0), lines(divide_up(w.inputs / 8, steps)),
        panel(static_cast<size_t>(w.inputs) * 16), to(room), next({room, room + panel}) {}
  INLINE_MEMBER void step() {
    const int count = at_most(lines, left);
    for (int i = 0; i < count; i++) {
      _mm_prefetch(reinterpret_cast<const char*>(first.from + panel + i * 64), _MM_HINT_T0);
      _mm_prefetch(reinterpret_cast<const char*>(second.from + panel + i * 64), _MM_HINT_T0);
    }
    first.widen(count, to);
    second.widen(count, to + panel);
    to += count * 128, left -= count;
  }
};

// 32 rows by 32 outputs, or 16 by 32 where there are no more rows. Rows are streamed: they would drive out of the first-level
// cache the panels that all blocks of rows read. Of up to 16 rows there is one block, and panels are streamed, too.
template <bool Both, class Ahead, class Epilogue>
INLINE void multiply_block(const uint8_t* a0, const uint8_t* a1, int steps, Panels b, Ahead& ahead, Pending<Epilogue>& before, int32_t* sums) {
  clear_sums<Both>();
  for (int k = 0; k < steps; k++) {
    if constexpr (Both) _tile_loadd(6, b.first + k * 1024, 64);
    else _tile_stream_loadd(6, b.first + k * 1024, 64);
    _tile_stream_loadd(4, a0 + k * 1024, 64);
    _tile_dpbusd(0, 4, 6);
    if constexpr (Both) _tile_loadd(7, b.second + k * 1024, 64);
    else _tile_stream_loadd(7, b.second + k * 1024, 64);
    _tile_dpbusd(1, 4, 7);
    if constexpr (Both) {
      _tile_stream_loadd(5, a1 + k * 1024, 64);
      _tile_dpbusd(2, 5, 6);
      _tile_dpbusd(3, 5, 7);
    }
    ahead.step();
    before.hand_out_some();
  }
  store_sums<Both>(sums);
}

template <class Ahead, class Epilogue>
INLINE void tiled_products(const uint8_t* a, int rows, const biolord::Linear& w, int n0, int n1, int8_t* room, Epilogue e) {
  alignas(64) int32_t sums[2][32 * 32];
  const Tiles tiles;
  const int steps = w.inputs / 64, blocks = divide_up(rows, 32);
  Pending<Epilogue> pending = {e};
  int turn = 0;
  int8_t* const rooms[] = {room, room + panels_room(w) / 2};
  Panels b = panels(w, n0, room);
  for (int n = n0, next_room = 1; n < n1; n += 32, next_room ^= 1) {
    Ahead ahead(w, n + 32, n + 32 < n1, steps * blocks, rooms[next_room]);
    for (int m = 0; m < rows; m += 32) {
      const uint8_t *a0 = a + place(m, 0, w.inputs), *a1 = a + place(m + 16, 0, w.inputs);
      if (rows - m > 16) multiply_block<true>(a0, a1, steps, b, ahead, pending, sums[turn]);
      else multiply_block<false>(a0, a1, steps, b, ahead, pending, sums[turn]);
      const int count = at_most(32, rows - m);
      pending.sums = sums[turn], pending.rows = count, pending.m = m, pending.n = n, pending.each = divide_up(count, steps);
      turn ^= 1;
    }
    b = ahead.next;
  }
  pending.hand_out_rest();
}
// Up to here dot products are faster: most of a tile would be empty.
constexpr int kFewTileRows = 8, kFewTileHalfRows = 4;
template <class Epilogue>
INLINE void products(const uint8_t* a, int rows, const biolord::Linear& w, int n0, int n1, int8_t* room, Epilogue e) {
  if (rows <= (w.group_scales ? kFewTileHalfRows : kFewTileRows)) vnni512_products(a, rows, w, n0, n1, room, e);
  else if (w.group_scales && rows <= 32) products_once(a, rows, w, n0, n1, e);
  else if (w.group_scales) tiled_products<Widened>(a, rows, w, n0, n1, room, e);
  else tiled_products<Fetched>(a, rows, w, n0, n1, room, e);
}
constexpr int kScoreRows = 12, kScorePairs = 6, kValueRows = 6, kValueVectors = 4;

}  // namespace

#include "body/kind.h"
BIOLORD_KIND(amx_int8)
