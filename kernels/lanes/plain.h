// Sixteen lanes in plain C++: the truth that the other kinds equal. Any CPU.
#pragma once
#include "lanes/common.h"

namespace {

struct Floats { float v[16]; };
struct Ints { int32_t v[16]; };
#define EACH for (int i = 0; i < 16; i++)

// Rounds once. In double precision the product is exact and the sum is rounded to odd, so that rounding it to float
// gives what the exact sum would; the C library's fmaf is slow, or wrong, where the CPU has no such instruction.
INLINE float fused(float a, float b, float c) {
#if defined(__aarch64__) || defined(__FMA__)
  return __builtin_fmaf(a, b, c);
#else
  const double product = static_cast<double>(a) * b, more = c, sum = product + more;
  const double part = sum - product, error = (product - (sum - part)) + (more - part);
  int64_t bits;
  memcpy(&bits, &sum, 8);
  if ((error > 0 || error < 0) && !(bits & 1)) bits += (error > 0) == (sum > 0) ? 1 : -1;
  double odd;
  memcpy(&odd, &bits, 8);
  return static_cast<float>(odd);
#endif
}
// To the nearest whole number, ties to even; |x| < 2^22.
INLINE float rounded(float x) {
  const float large = 12582912.0f;  // 1.5 * 2^23: beyond it floats are whole numbers
  const float sum = x + large;
  return sum - large;
}

INLINE Floats load(const float* p) { Floats r; memcpy(&r, p, 64); return r; }
INLINE void store(float* p, Floats a) { memcpy(p, &a, 64); }
INLINE Floats all(float x) { Floats r; EACH r.v[i] = x; return r; }
INLINE Floats add(Floats a, Floats b) { EACH a.v[i] = a.v[i] + b.v[i]; return a; }
INLINE Floats sub(Floats a, Floats b) { EACH a.v[i] = a.v[i] - b.v[i]; return a; }
INLINE Floats mul(Floats a, Floats b) { EACH a.v[i] = a.v[i] * b.v[i]; return a; }
#if defined(__aarch64__) || defined(__FMA__)
INLINE
#else
NOT_INLINE static  // without an instruction for it, it is long
#endif
Floats fma(const Floats& a, const Floats& b, const Floats& c) { Floats r; EACH r.v[i] = fused(a.v[i], b.v[i], c.v[i]); return r; }
INLINE Floats max(Floats a, Floats b) { EACH a.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i]; return a; }
INLINE Floats min(Floats a, Floats b) { EACH a.v[i] = a.v[i] < b.v[i] ? a.v[i] : b.v[i]; return a; }
INLINE Floats abs(Floats a) { EACH a.v[i] = __builtin_fabsf(a.v[i]); return a; }
INLINE Floats keep_first(Floats a, int count, float other) { EACH if (i >= count) a.v[i] = other; return a; }
INLINE Ints load_ints(const int32_t* p) { Ints r; memcpy(&r, p, 64); return r; }
INLINE Floats to_floats(Ints a) { Floats r; EACH r.v[i] = static_cast<float>(a.v[i]); return r; }
INLINE Floats widened(const int8_t* p) { Floats r; EACH r.v[i] = static_cast<float>(p[i]); return r; }
// a * 2^n for n + 1.5 * 2^23, the last bits of which are n: it is added to the exponent. The result must not be subnormal.
INLINE Floats times_power_of_two(Floats a, Floats n) {
  EACH {
    uint32_t bits, more;
    memcpy(&bits, &a.v[i], 4), memcpy(&more, &n.v[i], 4);
    bits += more << 23;
    memcpy(&a.v[i], &bits, 4);
  }
  return a;
}
// 64 values rounded to the nearest of 0 ... 255.
INLINE void store_bytes(uint8_t* p, Floats a, Floats b, Floats c, Floats d) {
  const Floats* parts[4] = {&a, &b, &c, &d};
  for (int j = 0; j < 4; j++)
    EACH {
      const float x = parts[j]->v[i];
      p[16 * j + i] = static_cast<uint8_t>(rounded(x > 0 ? (x < 255 ? x : 255) : 0));
    }
}
// 64 values rounded to the nearest of 0 ... 65535, their low and high bytes apart.
INLINE void store_words(uint8_t* low, uint8_t* high, Floats a, Floats b, Floats c, Floats d) {
  const Floats* parts[4] = {&a, &b, &c, &d};
  for (int j = 0; j < 4; j++)
    EACH {
      const float x = parts[j]->v[i];
      const int word = static_cast<int>(rounded(x > 0 ? (x < 65535 ? x : 65535) : 0));
      low[16 * j + i] = static_cast<uint8_t>(word & 255), high[16 * j + i] = static_cast<uint8_t>(word >> 8);
    }
}
// 32 values rounded to 16 bits, one vector behind the other; and two vectors' values side by side, for add_pairs.
INLINE int16_t to_int16(float x) { return static_cast<int16_t>(rounded(x > -32767 ? (x < 32767 ? x : 32767) : -32767)); }
INLINE void store_int16(int16_t* p, Floats a, Floats b) { EACH p[i] = to_int16(a.v[i]), p[16 + i] = to_int16(b.v[i]); }
INLINE void store_pairs(int16_t* p, Floats a, Floats b) { EACH p[2 * i] = to_int16(a.v[i]), p[2 * i + 1] = to_int16(b.v[i]); }
struct Pairs { int16_t v[32]; };
INLINE Pairs load_pairs(const int16_t* p) { Pairs r; memcpy(&r, p, 64); return r; }
INLINE Ints no_ints() { return {}; }
// To each lane, the lower half of `two` times the first of its pair, and the upper half times the second. It may wrap around,
// as it does elsewhere: for keys that nobody sees, and numbers that aren't finite.
INLINE Ints add_pairs(Ints sum, int32_t two, const Pairs& pairs) {
  const int32_t low = static_cast<int16_t>(two & 0xffff), high = static_cast<int16_t>(two >> 16);
  EACH {
    const uint32_t first = static_cast<uint32_t>(low * pairs.v[2 * i]), second = static_cast<uint32_t>(high * pairs.v[2 * i + 1]);
    sum.v[i] = static_cast<int32_t>(static_cast<uint32_t>(sum.v[i]) + first + second);
  }
  return sum;
}
INLINE float sum(Floats a) {
  for (int half = 8; half; half /= 2)
    for (int i = 0; i < half; i++) a.v[i] = a.v[i] + a.v[i + half];
  return a.v[0];
}
INLINE float highest(Floats a) {
  for (int half = 8; half; half /= 2)
    for (int i = 0; i < half; i++) a.v[i] = a.v[i] > a.v[i + half] ? a.v[i] : a.v[i + half];
  return a.v[0];
}
// 16 rows of 16 pairs become 16 columns.
INLINE void transpose_pairs(const int16_t* from, size_t from_stride, int16_t* to, size_t to_stride) {
  for (int r = 0; r < 16; r++)
    for (int c = 0; c < 16; c++) memcpy(to + c * to_stride + 2 * r, from + r * from_stride + 2 * c, 4);
}

// Sixteen outputs' scales, and a line of two times four 4-bit weights for each, (half - 8) * scale.
struct GroupScales { const int8_t* p; };
INLINE GroupScales load_group_scales(const int8_t* p) { return {p}; }
INLINE void widen_line(const int8_t* from, const GroupScales& scales, int8_t* to) {
  for (int i = 0; i < 64; i++) {
    const uint8_t both = static_cast<uint8_t>(from[i]);
    to[i] = static_cast<int8_t>(((both & 15) - 8) * scales.p[i / 4]);
    to[64 + i] = static_cast<int8_t>(((both >> 4) - 8) * scales.p[i / 4]);
  }
}
#undef EACH

}  // namespace
