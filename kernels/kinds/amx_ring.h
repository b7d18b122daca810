// Tiles for a few rows of 4-bit weights.
#pragma once
#include "kinds/amx_tiles.h"

namespace {

// Up to 32 rows, once: 4-bit weights are widened a step before tiles read them, into a ring that stays in the first-level cache.
struct Ring {
  static constexpr int kSteps = 4, kStep = 2048, kAhead = 2048;  // steps, bytes of a step, bytes to fetch ahead
  alignas(64) int8_t lines[kSteps * kStep];
  const biolord::Linear& w;
  int n;
  Ring(const biolord::Linear& w_, int n_) : w(w_), n(n_) {}
  INLINE_MEMBER void widen(int step) {
    int8_t* to = lines + step % kSteps * kStep;
    widen_panel(n, step, to);
    widen_panel(n + 16, step, to + kStep / 2);
  }
  // 64 inputs of 16 outputs: eight lines.
  INLINE_MEMBER void widen_panel(int from, int step, int8_t* to) const {
    const int8_t* halves = w.packed + static_cast<size_t>(from) * (w.inputs / 2) + step * 512;
    const int8_t* scales = w.group_scales + static_cast<size_t>(from) * (w.inputs / w.group);
    for (int i = 0; i < 512; i += 64) _mm_prefetch(reinterpret_cast<const char*>(halves + kAhead + i), _MM_HINT_T0);
    if (w.group == 16) {
      scales += step * 64;
      UNROLL for (int i = 0; i < 8; i += 2) {
        const GroupScales of_both = load_group_scales(scales + 8 * i);
        widen_line(halves + 64 * i, of_both, to + 128 * i);
        widen_line(halves + 64 * i + 64, of_both, to + 128 * i + 128);
      }
      return;
    }
    for (int i = 0; i < 8; i++) widen_line(halves + 64 * i, load_group_scales(scales + (step * 64 + 8 * i) / w.group * 16), to + 128 * i);
  }
  INLINE_MEMBER const int8_t* of(int step) const { return lines + step % kSteps * kStep; }
};
template <bool Both, class Epilogue>
INLINE void multiply_once(const uint8_t* a0, const uint8_t* a1, int steps, Ring& ring, Pending<Epilogue>& before, int32_t* sums) {
  clear_sums<Both>();
  ring.widen(0);
  for (int k = 0; k < steps; k++) {
    if (k + 1 < steps) ring.widen(k + 1);
    _tile_loadd(4, a0 + k * 1024, 64);
    _tile_loadd(6, ring.of(k), 64);
    _tile_dpbusd(0, 4, 6);
    _tile_loadd(7, ring.of(k) + Ring::kStep / 2, 64);
    _tile_dpbusd(1, 4, 7);
    if constexpr (Both) {
      _tile_loadd(5, a1 + k * 1024, 64);
      _tile_dpbusd(2, 5, 6);
      _tile_dpbusd(3, 5, 7);
    }
    before.hand_out_some();
  }
  store_sums<Both>(sums);
}
template <class Epilogue>
INLINE void products_once(const uint8_t* a, int rows, const biolord::Linear& w, int n0, int n1, Epilogue e) {
  alignas(64) int32_t sums[2][32 * 32];
  const Tiles tiles;
  const int steps = w.inputs / 64;
  Pending<Epilogue> pending = {e};
  for (int n = n0, turn = 0; n < n1; n += 32, turn ^= 1) {
    Ring ring(w, n);
    if (rows > 16) multiply_once<true>(a, a + place(16, 0, w.inputs), steps, ring, pending, sums[turn]);
    else multiply_once<false>(a, nullptr, steps, ring, pending, sums[turn]);
    pending.sums = sums[turn], pending.rows = rows, pending.m = 0, pending.n = n, pending.each = divide_up(rows, steps);
  }
  pending.hand_out_rest();
}

}  // namespace
