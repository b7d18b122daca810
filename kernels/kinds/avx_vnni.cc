// AVX with VNNI on 256 bits: Alder Lake and newer without AVX-512.
#include "lanes/avx2.h"
#include "body/products.h"

namespace {

struct VnniTile {
  template <int R>
  static void run(const uint8_t* a, int inputs, const int8_t* b, int32_t* sums) {
    __m256i c0[R], c1[R];
    UNROLL for (int r = 0; r < R; r++) c0[r] = c1[r] = _mm256_setzero_si256();
    for (int tile = 0; tile < inputs; tile += 64, a += 1024)
      for (int k = 0; k < 64; k += 4, b += 64) {
        const __m256i w0 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b));
        const __m256i w1 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + 32));
        UNROLL for (int r = 0; r < R; r++) {
          int32_t four;
          memcpy(&four, a + r * 64 + k, 4);
          const __m256i x = _mm256_set1_epi32(four);
          c0[r] = _mm256_dpbusd_avx_epi32(c0[r], x, w0);
          c1[r] = _mm256_dpbusd_avx_epi32(c1[r], x, w1);
        }
      }
    UNROLL for (int r = 0; r < R; r++) {
      _mm256_store_si256(reinterpret_cast<__m256i*>(sums + r * 32), c0[r]);
      _mm256_store_si256(reinterpret_cast<__m256i*>(sums + r * 32 + 8), c1[r]);
    }
  }
  NOT_INLINE static void multiply(const uint8_t* a, int rows, int inputs, const int8_t* b0, const int8_t* b1, const float*,
                                  int32_t* sums) {
    for (int r = 0, count; r < rows; r += count) {
      count = block_rows(rows - r, 6);
      run_rows<VnniTile, 6>(count, a + r * 64, inputs, b0, sums + r * 32);
      run_rows<VnniTile, 6>(count, a + r * 64, inputs, b1, sums + r * 32 + 16);
    }
  }
};
template <class Epilogue>
INLINE void products(const uint8_t* a, int rows, const biolord::Linear& w, int n0, int n1, int8_t* room, Epilogue e) {
  tile_products<VnniTile>(a, rows, w, n0, n1, room, e);
}
constexpr int kScoreRows = 6, kScorePairs = 0, kValueRows = 3, kValueVectors = 2;

}  // namespace

#include "body/kind.h"
BIOLORD_KIND(avx_vnni)
