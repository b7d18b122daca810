// The CPU's floating-point mode: subnormals kept, to nearest even, whatever the thread's owner has set.
#pragma once
#include "lanes/common.h"
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace {

#if defined(__x86_64__)
struct FloatMode {
  unsigned before;
  FloatMode() : before(_mm_getcsr()) {
    if ((before & 0xffc0) != 0x1f80) _mm_setcsr(0x1f80);
  }
  ~FloatMode() {
    if ((before & 0xffc0) != 0x1f80) _mm_setcsr(before);
  }
};
#elif defined(__aarch64__)
struct FloatMode {
  uint64_t before;
  FloatMode() {
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    if (before) set(0);
  }
  ~FloatMode() {
    if (before) set(before);
  }
  static void set(uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
};
#else
struct FloatMode {
  FloatMode() {}
  ~FloatMode() {}
};
#endif

}  // namespace
