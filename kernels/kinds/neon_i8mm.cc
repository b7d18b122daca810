// Arm with matrix products of unsigned by signed bytes (usmmla): Neoverse V1 and N2, Apple M2 and newer.
#include "lanes/neon.h"
#include "body/products.h"

namespace {

// usmmla: two rows of 8 activations by two outputs of 8 weights. Two lines of the packed weights, zipped by fours, are
// the second operand.
struct MatrixTile {
  template <int Pairs>
  static void run(const uint8_t* a, int inputs, const int8_t* b, int32_t* sums) {
    int32x4_t c[Pairs][8];  // each: row 0 of outputs 2j and 2j + 1, then row 1
    UNROLL for (int p = 0; p < Pairs; p++)
      UNROLL for (int j = 0; j < 8; j++) c[p][j] = vdupq_n_s32(0);
    for (int tile = 0; tile < inputs; tile += 64, a += 1024)
      for (int k = 0; k < 64; k += 8, b += 128) {
        uint8x16_t x[Pairs];
        UNROLL for (int p = 0; p < Pairs; p++) x[p] = vcombine_u8(vld1_u8(a + p * 128 + k), vld1_u8(a + p * 128 + 64 + k));
        UNROLL for (int j = 0; j < 4; j++) {
          const int32x4_t w0 = vreinterpretq_s32_s8(vld1q_s8(b + j * 16)), w1 = vreinterpretq_s32_s8(vld1q_s8(b + 64 + j * 16));
          const int8x16_t low = vreinterpretq_s8_s32(vzip1q_s32(w0, w1)), high = vreinterpretq_s8_s32(vzip2q_s32(w0, w1));
          UNROLL for (int p = 0; p < Pairs; p++) {
            c[p][2 * j] = vusmmlaq_s32(c[p][2 * j], x[p], low);
            c[p][2 * j + 1] = vusmmlaq_s32(c[p][2 * j + 1], x[p], high);
          }
        }
      }
    UNROLL for (int p = 0; p < Pairs; p++)
      UNROLL for (int j = 0; j < 8; j++) {
        vst1_s32(sums + p * 64 + 2 * j, vget_low_s32(c[p][j]));
        vst1_s32(sums + p * 64 + 32 + 2 * j, vget_high_s32(c[p][j]));
      }
  }
  // A last row without a partner is multiplied beside the one below it in the tile, and that is not handed out.
  NOT_INLINE static void multiply(const uint8_t* a, int rows, int inputs, const int8_t* b0, const int8_t* b1, const float*,
                                  int32_t* sums) {
    const int pairs = divide_up(rows, 2);
    for (int p = 0, count; p < pairs; p += count) {
      count = block_rows(pairs - p, 2);
      run_rows<MatrixTile, 2>(count, a + p * 128, inputs, b0, sums + p * 64);
      run_rows<MatrixTile, 2>(count, a + p * 128, inputs, b1, sums + p * 64 + 16);
    }
  }
};
template <class Epilogue>
INLINE void products(const uint8_t* a, int rows, const biolord::Linear& w, int n0, int n1, int8_t* room, Epilogue e) {
  tile_products<MatrixTile>(a, rows, w, n0, n1, room, e);
}
constexpr int kScoreRows = 6, kScorePairs = 0, kValueRows = 3, kValueVectors = 2;

}  // namespace

#include "body/kind.h"
BIOLORD_KIND(neon_i8mm)
