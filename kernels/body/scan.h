// The scan of an index: every vector's high byte times queries of 16 bits, and a bound on what that leaves out.
#pragma once
#include "body/mode.h"
#include "body/products.h"

namespace {

constexpr int kScanRows = 512;  // at once: kinds that read panels once for each 16 queries find them in the second-level cache

struct ScanQuery {
  float zero, unit;        // cosine = (sums - zero * colsum) * steps * unit
  float relative, fixed;   // its error: steps * relative + fixed, and the row's own
};

// The sums are exact. Rounding the query to a grid moves it by at most a step in each dimension, and a vector's length is
// about 1; four float operations round numbers that are at most 65535 * 127 * dim steps.
INLINE ScanQuery scan_query(const float* x, int dim, uint8_t* tiles, int row) {
  Range seen;
  seen.clear();
  for (int i = 0; i < dim; i += 64)
    UNROLL for (int j = 0; j < 4; j++) seen.see(j, load(x + i + 16 * j));
  const Grid grid = round_row_twice(x, dim, seen, tiles, row);
  const float unit = grid.step * 65536.0f, size = static_cast<float>(dim);
  return {grid.zero, unit, unit * (size * (4.0f * 65535.0f * 127.0f / 16777216.0f)), grid.step * (1.01f * __builtin_sqrtf(size))};
}

static bool scan(const biolord::ScanTask& t) {
  const FloatMode mode;
  biolord::Linear w = {t.high, nullptr, t.sums, t.steps, nullptr, t.dim, 0, 0};
  const size_t tiles_bytes = tiles_room(2 * t.count, t.dim), room_bytes = products_room(w);
  using biolord::Arena;
  Arena arena(Arena::room<uint8_t>(tiles_bytes) + Arena::room<ScanQuery>(t.count) + Arena::room<int8_t>(room_bytes));
  if (!arena.ok()) return false;
  uint8_t* tiles = arena.take<uint8_t>(tiles_bytes);
  ScanQuery* queries = arena.take<ScanQuery>(t.count);
  int8_t* room = arena.take<int8_t>(room_bytes);
  for (int i = 0; i < t.count; i++) queries[i] = scan_query(t.queries + static_cast<size_t>(i) * t.dim, t.dim, tiles, i);
  alignas(64) float highs[32], abouts[16], errors[16];
  float *high = highs, *about = abouts, *error = errors;
  const biolord::ScanTask* task = &t;
  for (int64_t first = t.first; first < t.last; first += kScanRows) {
    w.packed = t.high + static_cast<size_t>(first) * t.dim, w.colsum = t.sums + first, w.scale = t.steps + first;
    w.outputs = t.last - first < kScanRows ? static_cast<int>(t.last - first) : kScanRows;
    const float *steps = w.scale, *sums = w.colsum, *left = t.errors ? t.errors + first : nullptr;
    products(tiles, 2 * t.count, w, 0, w.outputs, room, [=](int m, int n, Ints products) ALWAYS_INLINE {
      float* at = high + (n & 16);
      if (m % 2 == 0) return store(at, to_floats(products));
      const ScanQuery& q = queries[m / 2];
      const Floats step = load(steps + n), whole = fma(all(256), load(at), to_floats(products));
      const Floats cosines = mul(mul(fma(all(-q.zero), load(sums + n), whole), step), all(q.unit));
      const Floats wrong = add(fma(step, all(q.relative), left ? load(left + n) : all(0)), all(q.fixed));
      if (highest(add(cosines, wrong)) < task->least[m / 2]) return;
      store(about, cosines), store(error, wrong);
      task->see(task->context, m / 2, first + n, about, error);
    });
  }
  return true;
}

}  // namespace
