// Tiles of AMX: Sapphire Rapids and newer.
#include "lanes/avx512.h"
#include "kinds/vnni512_tile.h"

namespace {

// Eight full tiles. In memory for good: gcc 12 tells the optimizer that ldtilecfg reads 8 bytes, so it may drop the
// stores to the other 56 of a configuration that is built on the stack.
alignas(64) const uint8_t tile_configuration[64] = {1,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
                                                    64, 0,  64, 0,  64, 0,  64, 0,  64, 0,  64, 0,  64, 0,  64, 0,
                                                    0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
                                                    16, 16, 16, 16, 16, 16, 16, 16, 0,  0,  0,  0,  0,  0,  0,  0};
// Tiles are a thread's own: configured where products begin, released where they end.
struct Tiles {
  Tiles() { _tile_loadconfig(tile_configuration); }
  ~Tiles() { _tile_release(); }
};
constexpr int kFewRows = 12;  // up to here AVX-512 is faster: a tile would be half empty

// The lines of the next panels, fetched a few in each step.
struct Ahead {
  const char *line, *end;
  int lines;
  INLINE_MEMBER void fetch() {
    for (int i = 0; i < lines && line < end; i++, line += 64) _mm_prefetch(line, _MM_HINT_T0);
  }
};

// 32 rows by 32 outputs, or 16 by 32 where there are no more rows.
template <bool Both>
INLINE void multiply_block(const uint8_t* a0, const uint8_t* a1, int steps, Panels b, Ahead& ahead, int32_t* sums) {
  _tile_zero(0);
  _tile_zero(1);
  if constexpr (Both) {
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int k = 0; k < steps; k++) {
    _tile_loadd(6, b.first + k * 1024, 64);
    _tile_loadd(4, a0 + k * 1024, 64);
    _tile_dpbusd(0, 4, 6);
    _tile_loadd(7, b.second + k * 1024, 64);
    _tile_dpbusd(1, 4, 7);
    if constexpr (Both) {
      _tile_loadd(5, a1 + k * 1024, 64);
      _tile_dpbusd(2, 5, 6);
      _tile_dpbusd(3, 5, 7);
    }
    ahead.fetch();
  }
  _tile_stored(0, sums, 128);
  _tile_stored(1, sums + 16, 128);
  if constexpr (Both) {
    _tile_stored(2, sums + 16 * 32, 128);
    _tile_stored(3, sums + 16 * 32 + 16, 128);
  }
}

// The epilogue of a block comes after the products of the next one were begun: the core overlaps them by itself.
template <class Epilogue>
INLINE void tiled_products(const uint8_t* a, int rows, const biolord::Linear& w, int n0, int n1, int8_t* room, Epilogue e) {
  alignas(64) int32_t sums[2][32 * 32];
  const Tiles tiles;
  const int steps = w.inputs / 64, blocks = divide_up(rows, 32);
  int turn = 0, pending = 0, pending_m = 0, pending_n = 0;
  for (int n = n0; n < n1; n += 32) {
    const Panels b = panels(w, n, room);
    const bool more = n + 32 < n1 && !w.group_scales;
    const char* next = reinterpret_cast<const char*>(b.first) + (more ? static_cast<size_t>(w.inputs) * 32 : 0);
    Ahead ahead = {next, next + (more ? static_cast<size_t>(w.inputs) * 32 : 0), divide_up(w.inputs / 2, steps * blocks)};
    for (int m = 0; m < rows; m += 32) {
      const uint8_t *a0 = a + place(m, 0, w.inputs), *a1 = a + place(m + 16, 0, w.inputs);
      if (rows - m > 16) multiply_block<true>(a0, a1, steps, b, ahead, sums[turn]);
      else multiply_block<false>(a0, a1, steps, b, ahead, sums[turn]);
      hand_out(sums[turn ^ 1], pending, pending_m, pending_n, e);
      pending = at_most(32, rows - m), pending_m = m, pending_n = n;
      turn ^= 1;
    }
  }
  hand_out(sums[turn ^ 1], pending, pending_m, pending_n, e);
}
template <class Epilogue>
INLINE void products(const uint8_t* a, int rows, const biolord::Linear& w, int n0, int n1, int8_t* room, Epilogue e) {
  if (rows > kFewRows) tiled_products(a, rows, w, n0, n1, room, e);
  else tile_products<Vnni512Tile>(a, rows, w, n0, n1, room, e);
}
constexpr int kScoreRows = 12, kScorePairs = 6, kValueRows = 6, kValueVectors = 4;

}  // namespace

#include "body/kind.h"
BIOLORD_KIND(amx_int8)
