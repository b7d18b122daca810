// Plain C++, for any CPU: what all other kinds equal, bit by bit.
#include "lanes/plain.h"
#include "body/products.h"

namespace {

struct PlainTile {
  NOT_INLINE static void multiply(const uint8_t* a, int rows, int inputs, const int8_t* b0, const int8_t* b1, const float*, int32_t* sums) {
    for (int r = 0; r < rows; r++)
      for (int half = 0; half < 2; half++) {
        const int8_t* b = half ? b1 : b0;
        int32_t c[16] = {};
        for (int k = 0; k < inputs; k += 4) {
          const uint8_t* x = a + place(r, k, inputs) + k % 64;
          for (int j = 0; j < 16; j++)
            for (int i = 0; i < 4; i++) c[j] += static_cast<int32_t>(x[i]) * b[k * 16 + j * 4 + i];
        }
        memcpy(sums + r * 32 + half * 16, c, 64);
      }
  }
};
template <class Epilogue>
INLINE void products(const uint8_t* a, int rows, const biolord::Linear& w, int n0, int n1, int8_t* room, Epilogue e) {
  tile_products<PlainTile>(a, rows, w, n0, n1, room, e);
}
constexpr int kScoreRows = 1, kScorePairs = 0, kValueRows = 1, kValueVectors = 1;

}  // namespace

#include "body/kind.h"
BIOLORD_KIND(plain)
