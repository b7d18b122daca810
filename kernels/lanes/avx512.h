// Sixteen lanes in one AVX-512 register.
#pragma once
#include <immintrin.h>

#include "lanes/common.h"

namespace {

typedef __m512 Floats;
typedef __m512i Ints;

INLINE Floats load(const float* p) { return _mm512_loadu_ps(p); }
INLINE void store(float* p, Floats a) { _mm512_storeu_ps(p, a); }
INLINE Floats all(float x) { return _mm512_set1_ps(x); }
INLINE Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
INLINE Floats sub(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
INLINE Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
INLINE Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
INLINE Floats max(Floats a, Floats b) { return _mm512_max_ps(a, b); }
INLINE Floats min(Floats a, Floats b) { return _mm512_min_ps(a, b); }
INLINE Floats abs(Floats a) { return _mm512_abs_ps(a); }
INLINE Floats keep_first(Floats a, int count, float other) {
  return _mm512_mask_blend_ps(static_cast<__mmask16>((1u << count) - 1), _mm512_set1_ps(other), a);
}
INLINE Ints load_ints(const int32_t* p) { return _mm512_loadu_si512(p); }
INLINE Floats to_floats(Ints a) { return _mm512_cvtepi32_ps(a); }
INLINE Floats widened(const int8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
INLINE Floats times_power_of_two(Floats a, Floats n) {
  return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), _mm512_slli_epi32(_mm512_castps_si512(n), 23)));
}
INLINE void store_bytes(uint8_t* p, Floats a, Floats b, Floats c, Floats d) {
  const __m512i low = _mm512_packs_epi32(_mm512_cvtps_epi32(a), _mm512_cvtps_epi32(b));
  const __m512i high = _mm512_packs_epi32(_mm512_cvtps_epi32(c), _mm512_cvtps_epi32(d));
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  _mm512_storeu_si512(p, _mm512_permutexvar_epi32(order, _mm512_packus_epi16(low, high)));
}
INLINE void store_words(uint8_t* low, uint8_t* high, Floats a, Floats b, Floats c, Floats d) {
  const __m512i first = _mm512_packus_epi32(_mm512_cvtps_epi32(a), _mm512_cvtps_epi32(b));
  const __m512i last = _mm512_packus_epi32(_mm512_cvtps_epi32(c), _mm512_cvtps_epi32(d));
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), byte = _mm512_set1_epi16(255);
  const __m512i lows = _mm512_packus_epi16(_mm512_and_si512(first, byte), _mm512_and_si512(last, byte));
  const __m512i highs = _mm512_packus_epi16(_mm512_srli_epi16(first, 8), _mm512_srli_epi16(last, 8));
  _mm512_storeu_si512(low, _mm512_permutexvar_epi32(order, lows));
  _mm512_storeu_si512(high, _mm512_permutexvar_epi32(order, highs));
}
// 32 values rounded to 16 bits, one vector behind the other; and two vectors' values side by side, for add_pairs.
INLINE void store_int16(int16_t* p, Floats a, Floats b) {
  const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
  _mm512_storeu_si512(p, _mm512_permutexvar_epi64(order, _mm512_packs_epi32(_mm512_cvtps_epi32(a), _mm512_cvtps_epi32(b))));
}
INLINE void store_pairs(int16_t* p, Floats a, Floats b) {
  const __m512i high = _mm512_slli_epi32(_mm512_cvtps_epi32(b), 16);
  _mm512_storeu_si512(p, _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_cvtps_epi32(a), high));
}
typedef __m512i Pairs;
INLINE Pairs load_pairs(const int16_t* p) { return _mm512_loadu_si512(p); }
INLINE Ints no_ints() { return _mm512_setzero_si512(); }
// Not by _mm512_dpwssd_epi32: clang takes some apart into a product and a sum, which takes twice as long.
INLINE Ints add_pairs(Ints sum, int32_t two, Pairs pairs) {
  __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(_mm512_set1_epi32(two)), "v"(pairs));
  return sum;
}
INLINE float sum(Floats a) {
  const __m256 h = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
  __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  q = _mm_add_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_add_ss(q, _mm_shuffle_ps(q, q, 1)));
}
INLINE float highest(Floats a) {
  const __m256 h = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
  __m128 q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  q = _mm_max_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_max_ss(q, _mm_shuffle_ps(q, q, 1)));
}
// 16 rows of 16 pairs become 16 columns.
INLINE void transpose_pairs(const int16_t* from, size_t from_stride, int16_t* to, size_t to_stride) {
  __m512 r[16], t[16];
  UNROLL for (int i = 0; i < 16; i++) r[i] = _mm512_castsi512_ps(_mm512_loadu_si512(from + i * from_stride));
  UNROLL for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
  UNROLL for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
    r[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
  }
  UNROLL for (int i = 0; i < 8; i++) {
    _mm512_storeu_si512(to + i * to_stride, _mm512_castps_si512(_mm512_shuffle_f32x4(t[i], t[i + 8], 0x88)));
    _mm512_storeu_si512(to + (i + 8) * to_stride, _mm512_castps_si512(_mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd)));
  }
}

// Sixteen outputs' scales in both halves of their lanes, the same times 4096, and 8 times the scale in every byte.
struct GroupScales { __m512i times, high_times, eight; };
INLINE GroupScales load_group_scales(const int8_t* p) {
  const __m512i scales = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  const __m512i times = _mm512_or_si512(scales, _mm512_slli_epi32(scales, 16));
  return {times, _mm512_slli_epi16(times, 12), _mm512_mullo_epi16(times, _mm512_set1_epi16(0x0808))};
}
// Two bytes at a time: 15 * 15 fits in one, so the lower never reaches the upper.
INLINE __m512i widened_low(__m512i both, const GroupScales& s) {
  return _mm512_sub_epi8(_mm512_mullo_epi16(_mm512_and_si512(both, _mm512_set1_epi8(15)), s.times), s.eight);
}
INLINE __m512i widened_high(__m512i both, const GroupScales& s) {
  return _mm512_sub_epi8(_mm512_mulhi_epu16(_mm512_andnot_si512(_mm512_set1_epi8(15), both), s.high_times), s.eight);
}
INLINE void widen_line(const int8_t* from, const GroupScales& scales, int8_t* to) {
  const __m512i both = _mm512_loadu_si512(from);
  _mm512_storeu_si512(to, widened_low(both, scales));
  _mm512_storeu_si512(to + 64, widened_high(both, scales));
}

}  // namespace
