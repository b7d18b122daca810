// Sixteen lanes in four NEON registers.
#pragma once
#include <arm_neon.h>

#include "lanes/common.h"

namespace {

struct Floats { float32x4_t v[4]; };
struct Ints { int32x4_t v[4]; };
#define EACH UNROLL for (int i = 0; i < 4; i++)

INLINE Floats load(const float* p) { Floats r; EACH r.v[i] = vld1q_f32(p + 4 * i); return r; }
INLINE void store(float* p, Floats a) { EACH vst1q_f32(p + 4 * i, a.v[i]); }
INLINE Floats all(float x) { Floats r; EACH r.v[i] = vdupq_n_f32(x); return r; }
INLINE Floats add(Floats a, Floats b) { EACH a.v[i] = vaddq_f32(a.v[i], b.v[i]); return a; }
INLINE Floats sub(Floats a, Floats b) { EACH a.v[i] = vsubq_f32(a.v[i], b.v[i]); return a; }
INLINE Floats mul(Floats a, Floats b) { EACH a.v[i] = vmulq_f32(a.v[i], b.v[i]); return a; }
INLINE Floats fma(Floats a, Floats b, Floats c) { EACH a.v[i] = vfmaq_f32(c.v[i], a.v[i], b.v[i]); return a; }
// By comparison: vmaxq_f32 treats NaN and the two zeros in a way of its own.
INLINE float32x4_t larger(float32x4_t a, float32x4_t b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
INLINE Floats max(Floats a, Floats b) { EACH a.v[i] = larger(a.v[i], b.v[i]); return a; }
INLINE Floats min(Floats a, Floats b) { EACH a.v[i] = vbslq_f32(vcltq_f32(a.v[i], b.v[i]), a.v[i], b.v[i]); return a; }
INLINE Floats abs(Floats a) { EACH a.v[i] = vabsq_f32(a.v[i]); return a; }
INLINE Floats keep_first(Floats a, int count, float other) {
  static const int32_t lanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  EACH a.v[i] = vbslq_f32(vcltq_s32(vld1q_s32(lanes + 4 * i), vdupq_n_s32(count)), a.v[i], vdupq_n_f32(other));
  return a;
}
INLINE Ints load_ints(const int32_t* p) { Ints r; EACH r.v[i] = vld1q_s32(p + 4 * i); return r; }
INLINE Floats to_floats(Ints a) { Floats r; EACH r.v[i] = vcvtq_f32_s32(a.v[i]); return r; }
INLINE Floats widened(const int8_t* p) {
  const int8x16_t bytes = vld1q_s8(p);
  const int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_s8(vget_high_s8(bytes));
  return {{vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(low))),
           vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(high)))}};
}
INLINE Floats times_power_of_two(Floats a, Floats n) {
  EACH a.v[i] = vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(a.v[i]), vshlq_n_s32(vreinterpretq_s32_f32(n.v[i]), 23)));
  return a;
}
INLINE void store_16_bytes(uint8_t* p, Floats a) {
  const uint16x8_t low = vcombine_u16(vqmovun_s32(vcvtnq_s32_f32(a.v[0])), vqmovun_s32(vcvtnq_s32_f32(a.v[1])));
  const uint16x8_t high = vcombine_u16(vqmovun_s32(vcvtnq_s32_f32(a.v[2])), vqmovun_s32(vcvtnq_s32_f32(a.v[3])));
  vst1q_u8(p, vcombine_u8(vqmovn_u16(low), vqmovn_u16(high)));
}
INLINE void store_bytes(uint8_t* p, Floats a, Floats b, Floats c, Floats d) {
  store_16_bytes(p, a), store_16_bytes(p + 16, b), store_16_bytes(p + 32, c), store_16_bytes(p + 48, d);
}
INLINE void store_16_words(uint8_t* low, uint8_t* high, Floats a) {
  const uint16x8_t x = vcombine_u16(vqmovun_s32(vcvtnq_s32_f32(a.v[0])), vqmovun_s32(vcvtnq_s32_f32(a.v[1])));
  const uint16x8_t y = vcombine_u16(vqmovun_s32(vcvtnq_s32_f32(a.v[2])), vqmovun_s32(vcvtnq_s32_f32(a.v[3])));
  vst1q_u8(low, vcombine_u8(vmovn_u16(x), vmovn_u16(y)));
  vst1q_u8(high, vcombine_u8(vshrn_n_u16(x, 8), vshrn_n_u16(y, 8)));
}
INLINE void store_words(uint8_t* low, uint8_t* high, Floats a, Floats b, Floats c, Floats d) {
  store_16_words(low, high, a), store_16_words(low + 16, high + 16, b);
  store_16_words(low + 32, high + 32, c), store_16_words(low + 48, high + 48, d);
}
// 32 values rounded to 16 bits, one vector behind the other; and two vectors' values side by side, for add_pairs.
INLINE int16x8_t eight_int16(Floats a, int i) { return vcombine_s16(vqmovn_s32(vcvtnq_s32_f32(a.v[i])), vqmovn_s32(vcvtnq_s32_f32(a.v[i + 1]))); }
INLINE void store_int16(int16_t* p, Floats a, Floats b) {
  vst1q_s16(p, eight_int16(a, 0)), vst1q_s16(p + 8, eight_int16(a, 2)), vst1q_s16(p + 16, eight_int16(b, 0)), vst1q_s16(p + 24, eight_int16(b, 2));
}
INLINE void store_pairs(int16_t* p, Floats a, Floats b) {
  const int16x8x2_t low = {{eight_int16(a, 0), eight_int16(b, 0)}}, high = {{eight_int16(a, 2), eight_int16(b, 2)}};
  vst2q_s16(p, low), vst2q_s16(p + 16, high);
}
struct Pairs { int16x8x2_t v[2]; };
INLINE Pairs load_pairs(const int16_t* p) { return {{vld2q_s16(p), vld2q_s16(p + 16)}}; }
INLINE Ints no_ints() { Ints r; EACH r.v[i] = vdupq_n_s32(0); return r; }
INLINE Ints add_pairs(Ints sum, int32_t two, Pairs pairs) {
  const int16x4_t x = vreinterpret_s16_s32(vdup_n_s32(two));
  UNROLL for (int i = 0; i < 2; i++)
    UNROLL for (int j = 0; j < 2; j++) {
      const int16x8_t values = pairs.v[i].val[j];
      const int16x4_t by = j ? vdup_lane_s16(x, 1) : vdup_lane_s16(x, 0);
      sum.v[2 * i] = vmlal_s16(sum.v[2 * i], vget_low_s16(values), by);
      sum.v[2 * i + 1] = vmlal_s16(sum.v[2 * i + 1], vget_high_s16(values), by);
    }
  return sum;
}
INLINE float sum(Floats a) {
  const float32x4_t q = vaddq_f32(vaddq_f32(a.v[0], a.v[2]), vaddq_f32(a.v[1], a.v[3]));
  const float32x2_t d = vadd_f32(vget_low_f32(q), vget_high_f32(q));
  return vget_lane_f32(d, 0) + vget_lane_f32(d, 1);
}
INLINE float highest(Floats a) {
  const float32x4_t q = larger(larger(a.v[0], a.v[2]), larger(a.v[1], a.v[3]));
  const float32x2_t d = vget_low_f32(larger(q, vextq_f32(q, q, 2)));
  const float x = vget_lane_f32(d, 0), y = vget_lane_f32(d, 1);
  return x > y ? x : y;
}
INLINE int32x4_t four_pairs(const int16_t* p) { return vreinterpretq_s32_s16(vld1q_s16(p)); }
INLINE void store_four_pairs(int16_t* p, int32x2_t low, int32x2_t high) { vst1q_s16(p, vreinterpretq_s16_s32(vcombine_s32(low, high))); }
INLINE void transpose4(const int16_t* from, size_t from_stride, int16_t* to, size_t to_stride) {
  const int32x4x2_t a = vtrnq_s32(four_pairs(from), four_pairs(from + from_stride));
  const int32x4x2_t b = vtrnq_s32(four_pairs(from + 2 * from_stride), four_pairs(from + 3 * from_stride));
  store_four_pairs(to, vget_low_s32(a.val[0]), vget_low_s32(b.val[0]));
  store_four_pairs(to + to_stride, vget_low_s32(a.val[1]), vget_low_s32(b.val[1]));
  store_four_pairs(to + 2 * to_stride, vget_high_s32(a.val[0]), vget_high_s32(b.val[0]));
  store_four_pairs(to + 3 * to_stride, vget_high_s32(a.val[1]), vget_high_s32(b.val[1]));
}
// 16 rows of 16 pairs become 16 columns.
INLINE void transpose_pairs(const int16_t* from, size_t from_stride, int16_t* to, size_t to_stride) {
  for (int r = 0; r < 16; r += 4)
    for (int c = 0; c < 16; c += 4) transpose4(from + r * from_stride + 2 * c, from_stride, to + c * to_stride + 2 * r, to_stride);
}

// Sixteen outputs' scales, each four times; four outputs to a vector.
struct GroupScales { uint8x16_t v[4]; };
INLINE GroupScales load_group_scales(const int8_t* p) {
  const uint8x16_t scales = vreinterpretq_u8_s8(vld1q_s8(p));
  const uint8x16x2_t twice = vzipq_u8(scales, scales);
  const uint8x16x2_t first = vzipq_u8(twice.val[0], twice.val[0]), last = vzipq_u8(twice.val[1], twice.val[1]);
  return {{first.val[0], first.val[1], last.val[0], last.val[1]}};
}
INLINE void widen_line(const int8_t* from, const GroupScales& scales, int8_t* to) {
  EACH {
    const uint8x16_t both = vreinterpretq_u8_s8(vld1q_s8(from + 16 * i)), eight = vshlq_n_u8(scales.v[i], 3);
    const uint8x16_t low = vmulq_u8(vandq_u8(both, vdupq_n_u8(15)), scales.v[i]), high = vmulq_u8(vshrq_n_u8(both, 4), scales.v[i]);
    vst1q_s8(to + 16 * i, vreinterpretq_s8_u8(vsubq_u8(low, eight)));
    vst1q_s8(to + 64 + 16 * i, vreinterpretq_s8_u8(vsubq_u8(high, eight)));
  }
}
#undef EACH

}  // namespace
