// Tiles of AMX: four of sums, two of rows, two of weights.
#pragma once
#include "body/products.h"

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

// Sums whose epilogue is still to come: a few rows of it in each step of the next block, which keeps tiles and vectors
// busy at the same time.
template <class Epilogue>
struct Pending {
  const Epilogue& e;
  const int32_t* sums = nullptr;
  int rows = 0, m = 0, n = 0, each = 0;
  INLINE_MEMBER void hand_out_some() {
    const int count = at_most(each, rows);
    hand_out(sums, count, m, n, e);
    sums += count * 32, m += count, rows -= count;
  }
  INLINE_MEMBER void hand_out_rest() {
    hand_out(sums, rows, m, n, e);
    rows = 0;
  }
};

// Sums of 32 rows by 32 outputs, or of 16 by 32.
template <bool Both>
INLINE void clear_sums() {
  _tile_zero(0);
  _tile_zero(1);
  if constexpr (Both) {
    _tile_zero(2);
    _tile_zero(3);
  }
}
template <bool Both>
INLINE void store_sums(int32_t* sums) {
  _tile_stored(0, sums, 128);
  _tile_stored(1, sums + 16, 128);
  if constexpr (Both) {
    _tile_stored(2, sums + 16 * 32, 128);
    _tile_stored(3, sums + 16 * 32 + 16, 128);
  }
}

}  // namespace
