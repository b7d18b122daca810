// AVX2 without dot products: everything widened to 16 bits, where vpmaddwd adds pairs of products in 32 bits and nothing
// saturates (vpmaddubsw, on bytes, would). Haswell to Comet Lake, Zen 1 to 3.
#include "lanes/avx2.h"
#include "body/products.h"

namespace {

struct WideTile {  // 16 rows of 16-bit activations, [K/64][16][64]
  template <int R>
  static void run(const int16_t* a, int inputs, const int8_t* b, int32_t* sums) {
    __m256i c0[R], c1[R];
    UNROLL for (int r = 0; r < R; r++) c0[r] = c1[r] = _mm256_setzero_si256();
    for (int tile = 0; tile < inputs; tile += 64, a += 1024)
      for (int k = 0; k < 64; k += 4, b += 64) {
        const __m256i w0 = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b)));
        const __m256i w1 = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b + 16)));
        UNROLL for (int r = 0; r < R; r++) {
          int64_t four;
          memcpy(&four, a + r * 64 + k, 8);
          const __m256i x = _mm256_set1_epi64x(four);
          c0[r] = _mm256_add_epi32(c0[r], _mm256_madd_epi16(x, w0));
          c1[r] = _mm256_add_epi32(c1[r], _mm256_madd_epi16(x, w1));
        }
      }
    UNROLL for (int r = 0; r < R; r++)
      _mm256_store_si256(reinterpret_cast<__m256i*>(sums + r * 32),
                         _mm256_permute4x64_epi64(_mm256_hadd_epi32(c0[r], c1[r]), 0xd8));
  }
  NOT_INLINE static void multiply(const int16_t* a, int rows, int inputs, Panels b, int32_t* sums) {
    for (int r = 0, count; r < rows; r += count) {
      count = block_rows(rows - r, 4);
      for (int eighth = 0; eighth < 4; eighth++)
        run_rows<WideTile, 4>(count, a + r * 64, inputs, (eighth & 2 ? b.second : b.first) + (eighth & 1) * 32,
                              sums + r * 32 + eighth * 8);
    }
  }
};
INLINE void widen_tile(const uint8_t* a, int inputs, int16_t* to) {
  for (int i = 0; i < inputs * 16; i += 16)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i),
                        _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i))));
}
// Rows outside, so that a tile is widened once; its panels come from the second-level cache, fast enough for this CPU.
template <class Epilogue>
INLINE void products(const uint8_t* a, int rows, const biolord::Linear& w, int n0, int n1, int8_t* room, Epilogue e) {
  alignas(64) int32_t sums[16 * 32];
  int16_t* wide = reinterpret_cast<int16_t*>(room + panels_room(w));
  for (int m = 0; m < rows; m += 16) {
    const int count = at_most(16, rows - m);
    widen_tile(a + place(m, 0, w.inputs), w.inputs, wide);
    for (int n = n0; n < n1; n += 32) {
      const Panels b = panels(w, n, room);
      WideTile::multiply(wide, count, w.inputs, b, sums);
      hand_out(sums, count, m, n, e);
    }
  }
}
constexpr int kScoreRows = 6, kScorePairs = 0, kValueRows = 3, kValueVectors = 2;

}  // namespace

#define BIOLORD_WIDENS 1
#include "body/kind.h"
BIOLORD_KIND(avx2)
