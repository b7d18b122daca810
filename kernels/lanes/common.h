// Sixteen lanes of float32, the same operations on every CPU kind: one header per instruction set implements them, and
// everything in floating point is written with them, once. Each operation is one IEEE operation (add, multiply, fused
// multiply-add, round to nearest even), reductions fold in one fixed order, and max and min return their second operand
// where the first isn't larger (smaller), as x86's do: so the bits are the same everywhere.
//
// All of it lies in unnamed namespaces, without inline functions of a library: the linker must not replace what was
// compiled for one CPU by what was compiled for another.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#define INLINE static inline __attribute__((always_inline))
#define ALWAYS_INLINE __attribute__((always_inline))  // of a lambda
#define INLINE_MEMBER inline __attribute__((always_inline))
// Of what many places need and a call of which takes long anyway: a library has all kinds in it, so each has that code once.
#define NOT_INLINE __attribute__((noinline))
// clang unrolls where it is told; gcc keeps arrays of sums in memory unless every loop over them is unrolled by order.
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
