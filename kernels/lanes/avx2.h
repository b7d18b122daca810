// Sixteen lanes in two AVX registers; needs AVX2 and FMA.
#pragma once
#include <immintrin.h>

#include "lanes/common.h"

namespace {

struct Floats { __m256 a, b; };
struct Ints { __m256i a, b; };

INLINE Floats load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
INLINE void store(float* p, Floats x) { _mm256_storeu_ps(p, x.a), _mm256_storeu_ps(p + 8, x.b); }
INLINE Floats all(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
INLINE Floats add(Floats x, Floats y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
INLINE Floats sub(Floats x, Floats y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
INLINE Floats mul(Floats x, Floats y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
INLINE Floats fma(Floats x, Floats y, Floats z) {
  return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
INLINE Floats max(Floats x, Floats y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
INLINE Floats min(Floats x, Floats y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
INLINE Floats abs(Floats x) {
  const __m256 mask = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
  return {_mm256_and_ps(x.a, mask), _mm256_and_ps(x.b, mask)};
}
INLINE Floats keep_first(Floats x, int count, float other) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), limit = _mm256_set1_epi32(count);
  const __m256 a = _mm256_castsi256_ps(_mm256_cmpgt_epi32(limit, lane));
  const __m256 b = _mm256_castsi256_ps(_mm256_cmpgt_epi32(limit, _mm256_add_epi32(lane, _mm256_set1_epi32(8))));
  return {_mm256_blendv_ps(_mm256_set1_ps(other), x.a, a), _mm256_blendv_ps(_mm256_set1_ps(other), x.b, b)};
}
INLINE Ints load_ints(const int32_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)), _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8))};
}
INLINE Floats to_floats(Ints x) { return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }
INLINE Floats widened(const int8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)),
          _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_unpackhi_epi64(bytes, bytes)))};
}
INLINE __m256 with_exponent(__m256 a, __m256 n) {
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), _mm256_slli_epi32(_mm256_castps_si256(n), 23)));
}
INLINE Floats times_power_of_two(Floats a, Floats n) { return {with_exponent(a.a, n.a), with_exponent(a.b, n.b)}; }
INLINE __m256i packed16(Floats x) { return _mm256_packs_epi32(_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)); }
INLINE void store_bytes(uint8_t* p, Floats a, Floats b, Floats c, Floats d) {
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const __m256i low = _mm256_packus_epi16(packed16(a), packed16(b)), high = _mm256_packus_epi16(packed16(c), packed16(d));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permutevar8x32_epi32(low, order));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 32), _mm256_permutevar8x32_epi32(high, order));
}
INLINE __m256i words(Floats x) { return _mm256_packus_epi32(_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)); }
INLINE void store_32_words(uint8_t* low, uint8_t* high, Floats a, Floats b) {
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7), byte = _mm256_set1_epi16(255), x = words(a), y = words(b);
  const __m256i lows = _mm256_packus_epi16(_mm256_and_si256(x, byte), _mm256_and_si256(y, byte));
  const __m256i highs = _mm256_packus_epi16(_mm256_srli_epi16(x, 8), _mm256_srli_epi16(y, 8));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(low), _mm256_permutevar8x32_epi32(lows, order));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(high), _mm256_permutevar8x32_epi32(highs, order));
}
INLINE void store_words(uint8_t* low, uint8_t* high, Floats a, Floats b, Floats c, Floats d) {
  store_32_words(low, high, a, b), store_32_words(low + 32, high + 32, c, d);
}
// 32 values rounded to 16 bits, one vector behind the other; and two vectors' values side by side, for add_pairs.
INLINE void store_int16(int16_t* p, Floats x, Floats y) {
  __m256i* to = reinterpret_cast<__m256i*>(p);
  _mm256_storeu_si256(to, _mm256_permute4x64_epi64(packed16(x), 0xd8));
  _mm256_storeu_si256(to + 1, _mm256_permute4x64_epi64(packed16(y), 0xd8));
}
INLINE __m256i paired(__m256 x, __m256 y) {
  return _mm256_blend_epi16(_mm256_cvtps_epi32(x), _mm256_slli_epi32(_mm256_cvtps_epi32(y), 16), 0xaa);
}
INLINE void store_pairs(int16_t* p, Floats x, Floats y) {
  __m256i* to = reinterpret_cast<__m256i*>(p);
  _mm256_storeu_si256(to, paired(x.a, y.a));
  _mm256_storeu_si256(to + 1, paired(x.b, y.b));
}
typedef Ints Pairs;
INLINE Pairs load_pairs(const int16_t* p) { return load_ints(reinterpret_cast<const int32_t*>(p)); }
INLINE Ints no_ints() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
INLINE __m256i add_eight(__m256i sum, __m256i two, __m256i pairs) {
#if defined(__AVXVNNI__)
  // Not by _mm256_dpwssd_avx_epi32: clang takes some apart into a product and a sum.
  __asm__("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sum) : "x"(two), "x"(pairs));
  return sum;
#else
  return _mm256_add_epi32(sum, _mm256_madd_epi16(two, pairs));
#endif
}
INLINE Ints add_pairs(Ints sum, int32_t two, Pairs pairs) {
  const __m256i x = _mm256_set1_epi32(two);
  return {add_eight(sum.a, x, pairs.a), add_eight(sum.b, x, pairs.b)};
}
INLINE float sum(Floats x) {
  const __m256 h = _mm256_add_ps(x.a, x.b);
  __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  q = _mm_add_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_add_ss(q, _mm_shuffle_ps(q, q, 1)));
}
INLINE float highest(Floats x) {
  const __m256 h = _mm256_max_ps(x.a, x.b);
  __m128 q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  q = _mm_max_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_max_ss(q, _mm_shuffle_ps(q, q, 1)));
}
INLINE void transpose8(const int16_t* from, size_t from_stride, int16_t* to, size_t to_stride) {
  __m256 r[8], t[8];
  UNROLL for (int i = 0; i < 8; i++) r[i] = _mm256_loadu_ps(reinterpret_cast<const float*>(from + i * from_stride));
  UNROLL for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  UNROLL for (int i = 0; i < 8; i += 4) {
    r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
    r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    _mm256_storeu_ps(reinterpret_cast<float*>(to + i * to_stride), _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
    _mm256_storeu_ps(reinterpret_cast<float*>(to + (i + 4) * to_stride), _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
  }
}
// 16 rows of 16 pairs become 16 columns.
INLINE void transpose_pairs(const int16_t* from, size_t from_stride, int16_t* to, size_t to_stride) {
  transpose8(from, from_stride, to, to_stride);
  transpose8(from + 16, from_stride, to + 8 * to_stride, to_stride);
  transpose8(from + 8 * from_stride, from_stride, to + 16, to_stride);
  transpose8(from + 8 * from_stride + 16, from_stride, to + 8 * to_stride + 16, to_stride);
}

// Sixteen outputs' scales in both halves of their lanes, the same times 4096, and 8 times the scale in every byte.
struct EightScales { __m256i times, high_times, eight; };
struct GroupScales { EightScales a, b; };
INLINE EightScales load_eight_scales(const int8_t* p) {
  const __m256i scales = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  const __m256i times = _mm256_or_si256(scales, _mm256_slli_epi32(scales, 16));
  return {times, _mm256_slli_epi16(times, 12), _mm256_mullo_epi16(times, _mm256_set1_epi16(0x0808))};
}
INLINE GroupScales load_group_scales(const int8_t* p) { return {load_eight_scales(p), load_eight_scales(p + 8)}; }
// Two bytes at a time: 15 * 15 fits in one, so the lower never reaches the upper.
INLINE void widen_half_line(const int8_t* from, const EightScales& s, int8_t* to) {
  const __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)), mask = _mm256_set1_epi8(15);
  const __m256i low = _mm256_sub_epi8(_mm256_mullo_epi16(_mm256_and_si256(both, mask), s.times), s.eight);
  const __m256i high = _mm256_sub_epi8(_mm256_mulhi_epu16(_mm256_andnot_si256(mask, both), s.high_times), s.eight);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), low);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 64), high);
}
INLINE void widen_line(const int8_t* from, const GroupScales& scales, int8_t* to) {
  widen_half_line(from, scales.a, to), widen_half_line(from + 32, scales.b, to + 32);
}

}  // namespace
