// Up to 12 rows by 32 outputs with AVX-512's dot products; also what the AMX kind uses for few rows.
#pragma once
#include "body/products.h"

namespace {

constexpr int kFewRows = 12;      // a block
constexpr int kFewHalfRows = 24;  // up to here 4-bit weights are widened in registers, for each block anew

struct Vnni512Tile {
  static constexpr int kAhead = 2048;  // bytes; the CPU's own prefetching stops at each page, and a query reads from memory
  template <int R>
  static void run(const uint8_t* a, int inputs, const int8_t* b0, const int8_t* b1, int32_t* sums) {
    __m512i c0[R], c1[R];
    UNROLL for (int r = 0; r < R; r++) c0[r] = c1[r] = _mm512_setzero_si512();
    for (int tile = 0; tile < inputs; tile += 64, a += 1024)
      for (int k = 0; k < 64; k += 4, b0 += 64, b1 += 64) {
        _mm_prefetch(reinterpret_cast<const char*>(b0 + kAhead), _MM_HINT_T0);
        _mm_prefetch(reinterpret_cast<const char*>(b1 + kAhead), _MM_HINT_T0);
        const __m512i w0 = _mm512_loadu_si512(b0), w1 = _mm512_loadu_si512(b1);
        UNROLL for (int r = 0; r < R; r++) {
          int32_t four;
          memcpy(&four, a + r * 64 + k, 4);
          const __m512i x = _mm512_set1_epi32(four);
          c0[r] = _mm512_dpbusd_epi32(c0[r], x, w0);
          c1[r] = _mm512_dpbusd_epi32(c1[r], x, w1);
        }
      }
    UNROLL for (int r = 0; r < R; r++) {
      _mm512_store_si512(sums + r * 32, c0[r]);
      _mm512_store_si512(sums + r * 32 + 16, c1[r]);
    }
  }
  NOT_INLINE static void multiply(const uint8_t* a, int rows, int inputs, const int8_t* b0, const int8_t* b1, const float*,
                                  int32_t* sums) {
    for (int r = 0, count; r < rows; r += count) {
      count = block_rows(rows - r, kFewRows);
      run_rows<Vnni512Tile, kFewRows>(count, a + r * 64, inputs, b0, b1, sums + r * 32);
    }
  }
};

// The same from 4-bit weights, which are widened in registers.
struct HalvesTile {
  template <int R>
  static void run(const uint8_t* a, const biolord::Linear& w, int n, int32_t* sums) {
    const size_t panel = static_cast<size_t>(w.inputs) * 8, scales_panel = static_cast<size_t>(w.inputs / w.group) * 16;
    const int8_t *b0 = w.packed + n / 16 * panel, *b1 = b0 + panel;
    const int8_t *scales0 = w.group_scales + n / 16 * scales_panel, *scales1 = scales0 + scales_panel;
    __m512i c0[R], c1[R];
    UNROLL for (int r = 0; r < R; r++) c0[r] = c1[r] = _mm512_setzero_si512();
    for (int k = 0; k < w.inputs; scales0 += 16, scales1 += 16) {
      const GroupScales s0 = load_group_scales(scales0), s1 = load_group_scales(scales1);
      for (const int end = k + w.group; k < end; k += 8, b0 += 64, b1 += 64) {
        _mm_prefetch(reinterpret_cast<const char*>(b0 + Vnni512Tile::kAhead), _MM_HINT_T0);
        _mm_prefetch(reinterpret_cast<const char*>(b1 + Vnni512Tile::kAhead), _MM_HINT_T0);
        const __m512i both0 = _mm512_loadu_si512(b0), both1 = _mm512_loadu_si512(b1);
        const uint8_t* x = a + place(0, k, w.inputs) + k % 64;
        step<R>(x, widened_low(both0, s0), widened_low(both1, s1), c0, c1);
        step<R>(x + 4, widened_high(both0, s0), widened_high(both1, s1), c0, c1);
      }
    }
    UNROLL for (int r = 0; r < R; r++) {
      _mm512_store_si512(sums + r * 32, c0[r]);
      _mm512_store_si512(sums + r * 32 + 16, c1[r]);
    }
  }
  NOT_INLINE static void multiply(const uint8_t* a, int rows, const biolord::Linear& w, int n, int32_t* sums) {
    for (int r = 0, count; r < rows; r += count) {
      count = block_rows(rows - r, kFewRows);
      run_rows<HalvesTile, kFewRows>(count, a + r * 64, w, n, sums + r * 32);
    }
  }
  template <int R>
  static INLINE_MEMBER void step(const uint8_t* a, __m512i w0, __m512i w1, __m512i* c0, __m512i* c1) {
    UNROLL for (int r = 0; r < R; r++) {
      int32_t four;
      memcpy(&four, a + r * 64, 4);
      const __m512i x = _mm512_set1_epi32(four);
      c0[r] = _mm512_dpbusd_epi32(c0[r], x, w0);
      c1[r] = _mm512_dpbusd_epi32(c1[r], x, w1);
    }
  }
};

template <class Epilogue>
INLINE void vnni512_products(const uint8_t* a, int rows, const biolord::Linear& w, int n0, int n1, int8_t* room, Epilogue e) {
  if (!w.group_scales || rows > kFewHalfRows) return tile_products<Vnni512Tile>(a, rows, w, n0, n1, room, e);
  alignas(64) int32_t sums[16 * 32];
  for (int n = n0; n < n1; n += 32)
    for (int m = 0; m < rows; m += 16) {
      const int count = at_most(16, rows - m);
      HalvesTile::multiply(a + place(m, 0, w.inputs), count, w, n, sums);
      hand_out(sums, count, m, n, e);
    }
}

}  // namespace
