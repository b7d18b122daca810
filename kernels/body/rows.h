// What is done to one token's row: rounding to 8 or 16 bits, LayerNorm, sums of products back to floats.
#pragma once
#include "body/functions.h"
#include "kernels.h"

namespace {

// Rounded activations lie in tiles of 16 rows by 64 inputs: [rows/16][K/64][16][64].
INLINE size_t place(int row, int k, int inputs) {
  return (static_cast<size_t>(row >> 4) * (inputs / 64) + k / 64) * 1024 + (row & 15) * 64;
}
INLINE size_t tiles_room(int rows, int inputs) { return static_cast<size_t>(round_up(rows, 32)) * inputs; }

struct Grid {  // value = step * (rounded - zero)
  float step, zero;
};
struct Range {
  Floats lowest[4], highest[4];
  INLINE_MEMBER void clear() {
    UNROLL for (int j = 0; j < 4; j++) lowest[j] = highest[j] = all(0);
  }
  INLINE_MEMBER void see(int j, Floats v) { lowest[j] = min(v, lowest[j]), highest[j] = max(v, highest[j]); }
};

// The row's own grid of `steps` + 1 values, with 0 among them.
INLINE Grid grid_of(const Range& seen, float steps) {
  const Floats zeros = all(0);
  const Floats least = min(min(seen.lowest[0], seen.lowest[1]), min(seen.lowest[2], seen.lowest[3]));
  const Floats most = max(max(seen.highest[0], seen.highest[1]), max(seen.highest[2], seen.highest[3]));
  const float lo = -highest(sub(zeros, least)), hi = highest(most), range = greater(hi - lo, 1e-20f);
  return {range / steps, nearest(-lo * (steps / range))};
}
NOT_INLINE static Grid round_row(const float* x, int n, const Range& seen, uint8_t* to, int row) {
  const Grid grid = grid_of(seen, 255);
  const Floats unit = all(1.0f / grid.step), zero = all(grid.zero);
  for (int k = 0; k < n; k += 64)
    store_bytes(to + place(row, k, n), fma(load(x + k), unit, zero), fma(load(x + k + 16), unit, zero),
                fma(load(x + k + 32), unit, zero), fma(load(x + k + 48), unit, zero));
  return grid;
}
// 16 bits: high bytes in row 2 * `row`, low bytes in the next. Their products come in this order, next to each other.
NOT_INLINE static Grid round_row_twice(const float* x, int n, const Range& seen, uint8_t* to, int row) {
  const Grid grid = grid_of(seen, 65535);
  const Floats unit = all(1.0f / grid.step), zero = all(grid.zero);
  for (int k = 0; k < n; k += 64)
    store_words(to + place(2 * row + 1, k, n), to + place(2 * row, k, n), fma(load(x + k), unit, zero),
                fma(load(x + k + 16), unit, zero), fma(load(x + k + 32), unit, zero), fma(load(x + k + 48), unit, zero));
  return grid;
}
NOT_INLINE static Grid quantize(const float* x, int n, uint8_t* to, int row) {
  Range seen;
  seen.clear();
  for (int i = 0; i < n; i += 64)
    UNROLL for (int j = 0; j < 4; j++) seen.see(j, load(x + i + 16 * j));
  return round_row(x, n, seen, to, row);
}
NOT_INLINE static Range smooth_row(const float* x, int n, biolord::Affine smoothing, float* smooth) {
  Range seen;
  seen.clear();
  for (int i = 0; i < n; i += 64)
    UNROLL for (int j = 0; j < 4; j++) {
      const int at = i + 16 * j;
      const Floats v = fma(load(x + at), load(smoothing.gain + at), load(smoothing.shift + at));
      store(smooth + at, v);
      seen.see(j, v);
    }
  return seen;
}
INLINE Grid quantize_smoothed(const float* x, int n, biolord::Affine smoothing, uint8_t* to, int row) {
  alignas(64) float smooth[biolord::kMaxDim];
  const Range seen = smooth_row(x, n, smoothing, smooth);
  return round_row(smooth, n, seen, to, row);
}

// Sums run in four accumulators of 16 lanes, added up in one fixed order.
INLINE float total(const Floats* s) { return sum(add(add(s[0], s[1]), add(s[2], s[3]))); }
NOT_INLINE static void layer_norm(const float* x, float* y, int n, const biolord::Norm& norm) {
  Floats s[4];
  UNROLL for (int j = 0; j < 4; j++) s[j] = all(0);
  for (int i = 0; i < n; i += 64)
    UNROLL for (int j = 0; j < 4; j++) s[j] = add(s[j], load(x + i + 16 * j));
  const Floats mean = all(total(s) / static_cast<float>(n));
  UNROLL for (int j = 0; j < 4; j++) s[j] = all(0);
  for (int i = 0; i < n; i += 64)
    UNROLL for (int j = 0; j < 4; j++) {
      const Floats d = sub(load(x + i + 16 * j), mean);
      s[j] = fma(d, d, s[j]);
    }
  const Floats scale = all(1.0f / __builtin_sqrtf(total(s) / static_cast<float>(n) + norm.epsilon));
  for (int i = 0; i < n; i += 16)
    store(y + i, fma(mul(sub(load(x + i), mean), scale), load(norm.gain + i), load(norm.shift + i)));
}

// Sums of 16 neighboring outputs to floats: (sum - zero * colsum) * scale * step + more.
INLINE Floats dequantize(const biolord::Linear& w, int n, Floats sums, const Grid& grid, Floats more) {
  const Floats centered = fma(all(-grid.zero), load(w.colsum + n), sums);
  return fma(mul(centered, load(w.scale + n)), all(grid.step), more);
}

}  // namespace
