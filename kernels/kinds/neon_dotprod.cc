// Arm with dot products of signed bytes: Cortex-A76, Neoverse N1, Apple M1 and newer.
#include "lanes/neon.h"
#include "body/products.h"

namespace {

// Signed by signed: activations are shifted by 128, and 128 times the column sum is added back.
struct DotTile {
  template <int R>
  static void run(const uint8_t* a, int inputs, const int8_t* b, const float* colsum, int32_t* sums) {
    int32x4_t c[R][4];
    UNROLL for (int r = 0; r < R; r++)
      UNROLL for (int j = 0; j < 4; j++) c[r][j] = vshlq_n_s32(vcvtq_s32_f32(vld1q_f32(colsum + 4 * j)), 7);
    for (int tile = 0; tile < inputs; tile += 64, a += 1024)
      for (int k = 0; k < 64; k += 16, b += 256) {
        int8x16_t x[R];
        UNROLL for (int r = 0; r < R; r++) x[r] = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(a + r * 64 + k), vdupq_n_u8(128)));
        step<R, 0>(x, b, c), step<R, 1>(x, b, c), step<R, 2>(x, b, c), step<R, 3>(x, b, c);
      }
    UNROLL for (int r = 0; r < R; r++)
      UNROLL for (int j = 0; j < 4; j++) vst1q_s32(sums + r * 32 + 4 * j, c[r][j]);
  }
  template <int R, int Quarter>
  static INLINE_MEMBER void step(const int8x16_t* x, const int8_t* b, int32x4_t (*c)[4]) {
    UNROLL for (int j = 0; j < 4; j++) {
      const int8x16_t w = vld1q_s8(b + Quarter * 64 + j * 16);
      UNROLL for (int r = 0; r < R; r++) c[r][j] = vdotq_laneq_s32(c[r][j], w, x[r], Quarter);
    }
  }
  NOT_INLINE static void multiply(const uint8_t* a, int rows, int inputs, const int8_t* b0, const int8_t* b1,
                                  const float* colsum, int32_t* sums) {
    for (int r = 0, count; r < rows; r += count) {
      count = block_rows(rows - r, 4);
      run_rows<DotTile, 4>(count, a + r * 64, inputs, b0, colsum, sums + r * 32);
      run_rows<DotTile, 4>(count, a + r * 64, inputs, b1, colsum + 16, sums + r * 32 + 16);
    }
  }
};
template <class Epilogue>
INLINE void products(const uint8_t* a, int rows, const biolord::Linear& w, int n0, int n1, int8_t* room, Epilogue e) {
  tile_products<DotTile>(a, rows, w, n0, n1, room, e);
}
constexpr int kScoreRows = 6, kScorePairs = 0, kValueRows = 3, kValueVectors = 2;

}  // namespace

#include "body/kind.h"
BIOLORD_KIND(neon_dotprod)
