#include "cpu.h"

#if defined(_WIN32)
#include <windows.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#include <unistd.h>
#else
#include <sched.h>
#include <unistd.h>
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace biolord {

bool supports_plain() { return true; }

#if defined(__x86_64__)
namespace {

constexpr unsigned bit(int n) { return 1u << n; }
struct Leaf {
  unsigned a = 0, b = 0, c = 0, d = 0;
};
Leaf leaf(unsigned number, unsigned part) {
  Leaf l;
  if (__get_cpuid_max(0, nullptr) >= number) __cpuid_count(number, part, l.a, l.b, l.c, l.d);
  return l;
}
// Leaf 7 says in eax how many parts it has.
Leaf part_one() { return leaf(7, 0).a >= 1 ? leaf(7, 1) : Leaf{}; }

// Registers that the system saves on a switch of threads: the CPU having them isn't enough.
enum State : unsigned { kAvxState = 0x6, kAvx512State = 0xe6, kTileState = 0x60000 };
bool saves(State state) {
  const Leaf l = leaf(1, 0);
  if (!(l.c & bit(27))) return false;  // OSXSAVE: xgetbv may be asked
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & state) == state;
}
// macOS saves AVX-512's registers once a thread has used them, so xgetbv doesn't tell.
#if defined(__APPLE__)
bool saves_avx512() {
  int has = 0;
  size_t size = sizeof(has);
  return saves(kAvxState) && sysctlbyname("hw.optional.avx512f", &has, &size, nullptr, 0) == 0 && has;
}
#else
bool saves_avx512() { return saves(kAvx512State); }
#endif

// AMX has to be asked for: the system gives each thread more room for its registers. A sandbox may refuse.
#if defined(__linux__)
bool tiles_granted() {
  const long kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
}
#elif defined(_WIN32)
bool tiles_granted() {
  typedef BOOL(WINAPI * Enable)(DWORD64);
  const HMODULE kernel = GetModuleHandleA("kernel32.dll");
  const Enable enable = reinterpret_cast<Enable>(
      reinterpret_cast<void*>(GetProcAddress(kernel, "EnableProcessOptionalXStateFeatures")));
  return enable && enable(DWORD64{1} << 18);
}
#else
bool tiles_granted() { return false; }
#endif

}  // namespace

bool supports_avx2() {
  return saves(kAvxState) && (leaf(1, 0).c & bit(12)) && (leaf(7, 0).b & bit(5));  // FMA, AVX2
}
bool supports_avx_vnni() { return supports_avx2() && (part_one().a & bit(4)); }
bool supports_avx512_vnni() {
  const unsigned foundation = bit(16) | bit(17) | bit(30) | bit(31);  // F, DQ, BW, VL
  const Leaf l = leaf(7, 0);
  return supports_avx2() && saves_avx512() && (l.b & foundation) == foundation && (l.c & bit(11));
}
bool supports_amx_int8() {
  const unsigned tiles = bit(24) | bit(25);  // AMX-TILE, AMX-INT8
  return supports_avx512_vnni() && (leaf(7, 0).d & tiles) == tiles && saves(kTileState) && tiles_granted();
}

#elif defined(__aarch64__)
#if defined(__APPLE__)
namespace {
bool has(const char* name) {
  int value = 0;
  size_t size = sizeof(value);
  return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value;
}
}  // namespace
bool supports_neon_dotprod() { return has("hw.optional.arm.FEAT_DotProd"); }
bool supports_neon_i8mm() { return supports_neon_dotprod() && has("hw.optional.arm.FEAT_I8MM"); }
#elif defined(_WIN32)
bool supports_neon_dotprod() { return IsProcessorFeaturePresent(43); }  // PF_ARM_V82_DP_INSTRUCTIONS_AVAILABLE
bool supports_neon_i8mm() { return false; }                             // Windows has no name for it
#else
bool supports_neon_dotprod() { return getauxval(AT_HWCAP) & (1ul << 20); }
bool supports_neon_i8mm() { return supports_neon_dotprod() && (getauxval(AT_HWCAP2) & (1ul << 13)); }
#endif
#endif

#if defined(_WIN32)
int usable_cores() {
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  return static_cast<int>(info.dwNumberOfProcessors);
}
#elif defined(__linux__)
int usable_cores() {
  cpu_set_t set;
  const int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  return count > 0 ? count : 1;
}
#else
int usable_cores() {
  const long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? static_cast<int>(count) : 1;
}
#endif

}  // namespace biolord
