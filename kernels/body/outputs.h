// What becomes of the products of a linear layer. All operators share these functions: each kind has the code around products
// once for every way to use them, not once for every place.
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
  biolord::Linear linear;
  const Grid* grids;    // of the tokens
  float* y;             // rows of `stride` floats, of which each output has its place
  int stride;
  const float* before;  // rows as those of y, or null where none are read

  INLINE_MEMBER size_t at(int token, int n) const { return static_cast<size_t>(token) * stride + n; }
  INLINE_MEMBER Floats value(int token, int n, Floats sums, Floats more) const { return dequantize(linear, n, sums, grids[token], more); }
  template <Output To>
  INLINE_MEMBER void put(int token, int n, Floats sums) const {
    float* to = y + at(token, n);
    if constexpr (To == Output::kMore) return store(to, value(token, n, sums, load(before + at(token, n))));
    const Floats bias = load(linear.bias + n);
    if constexpr (To == Output::kFirst) return store(to, value(token, n, sums, add(bias, load(before + at(token, n)))));
    const Floats v = value(token, n, sums, bias);
    store(to, To == Output::kGelu ? gelu(v) : v);
  }
  INLINE_MEMBER void put_word(int row, int n, Floats sums) const {
    float* to = y + at(row / 2, n);
    if (row % 2 == 0) return store(to, sums);
    put<Output::kValue>(row / 2, n, fma(all(256), load(to), sums));
  }
};

// Outputs n0 to n1 of rows of bytes; kWords has two rows for each token.
template <Output To>
NOT_INLINE void put_products(const uint8_t* a, int rows, int n0, int n1, int8_t* room, const Outputs& outputs) {
  const Outputs to = outputs;
  products(a, rows, to.linear, n0, n1, room, [=](int m, int n, Ints sums) ALWAYS_INLINE {
    if constexpr (To == Output::kWords) to.put_word(m, n, to_floats(sums));
    else to.put<To>(m, n, to_floats(sums));
  });
}

}  // namespace
