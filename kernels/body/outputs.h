// What becomes of products where an operator has no epilogue of its own: one type says it for all of them, so that each kind
// has the code around these products once.
#pragma once
#include "body/products.h"

namespace {

enum class Output {
  kValue,  // sums to floats, and the bias
  kGelu,   // GELU of that
  kFirst,  // and the bias, and what was there before
  kMore,   // and what was there before
  kWords,  // of 16 bits: the sums of a token's high bytes are kept where those of its low bytes come next; then as kValue
};

struct Outputs {
  Output output;
  biolord::Linear linear;
  const Grid* grids;    // of the tokens
  float* y;             // rows of `stride` floats, of which each output has its place
  size_t stride;
  const float* before;  // rows of `stride` floats, too

  INLINE_MEMBER Floats value(int token, int n, Floats sums, Floats more) const { return dequantize(linear, n, sums, grids[token], more); }
  INLINE_MEMBER void operator()(int m, int n, Ints ints) const {
    const Floats sums = to_floats(ints);
    if (output == Output::kWords) return word(m, y + (m / 2) * stride + n, n, sums);
    const size_t at = m * stride + n;
    switch (output) {
      case Output::kGelu: return store(y + at, gelu(value(m, n, sums, load(linear.bias + n))));
      case Output::kFirst: return store(y + at, value(m, n, sums, add(load(linear.bias + n), load(before + at))));
      case Output::kMore: return store(y + at, value(m, n, sums, load(before + at)));
      default: return store(y + at, value(m, n, sums, load(linear.bias + n)));
    }
  }
  INLINE_MEMBER void word(int m, float* at, int n, Floats sums) const {
    if (m % 2 == 0) return store(at, sums);
    store(at, value(m / 2, n, fma(all(256), load(at), sums), load(linear.bias + n)));
  }
};

// Outputs n0 to n1 of rows of bytes; of two rows for each token, where they have 16 bits.
NOT_INLINE static void put_products(const uint8_t* a, int rows, int n0, int n1, int8_t* room, const Outputs& to) {
  products(a, rows, to.linear, n0, n1, room, Outputs(to));
}

}  // namespace
