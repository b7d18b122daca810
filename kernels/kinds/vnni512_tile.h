// Up to 12 rows by 32 outputs with AVX-512's dot products; also what the AMX kind uses for few rows.
#pragma once
#include "body/products.h"

namespace {

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
  static INLINE_MEMBER void multiply(const uint8_t* a, int rows, int inputs, const int8_t* b0, const int8_t* b1, const float*,
                                     int32_t* sums) {
    for (int r = 0, count; r < rows; r += count) {
      count = block_rows(rows - r, 12);
      run_rows<Vnni512Tile, 12>(count, a + r * 64, inputs, b0, b1, sums + r * 32);
    }
  }
};

}  // namespace
