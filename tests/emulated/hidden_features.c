// Preloaded, it hides AVX-512, VNNI and AMX from a process and its threads: CPUID faults where the kernel lets it, and is
// answered here without them. What libraries then choose is what they would on Haswell, at this machine's speed.
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { kSetCpuid = 0x1012, kForbidden = 0, kAllowed = 1 };

static uint32_t bits(const int* numbers) {
  uint32_t all = 0;
  for (; *numbers >= 0; numbers++) all |= 1u << *numbers;
  return all;
}
static void hide(uint32_t leaf, uint32_t part, uint32_t* r) {
  static const int wide_b[] = {16, 17, 21, 26, 27, 28, 30, 31, -1}, wide_c[] = {1, 6, 11, 12, 14, -1};
  static const int tiles_d[] = {2, 3, 8, 22, 23, 24, 25, -1}, later_a[] = {4, 5, 21, 23, -1}, later_d[] = {4, 5, 8, 10, 19, -1};
  if (leaf == 7 && part == 0) r[1] &= ~bits(wide_b), r[2] &= ~bits(wide_c), r[3] &= ~bits(tiles_d);
  if (leaf == 7 && part == 1) r[0] &= ~bits(later_a), r[3] &= ~bits(later_d);
}
static void answer(int number, siginfo_t* info, void* context) {
  greg_t* registers = ((ucontext_t*)context)->uc_mcontext.gregs;
  const uint8_t* at = (const uint8_t*)registers[REG_RIP];
  if (info->si_code != SI_KERNEL || at[0] != 0x0f || at[1] != 0xa2) {
    signal(number, SIG_DFL);  // another fault: it happens again, and ends the process
    return;
  }
  const uint32_t leaf = (uint32_t)registers[REG_RAX], part = (uint32_t)registers[REG_RCX];
  uint32_t r[4];
  syscall(SYS_arch_prctl, kSetCpuid, kAllowed);
  __cpuid_count(leaf, part, r[0], r[1], r[2], r[3]);
  syscall(SYS_arch_prctl, kSetCpuid, kForbidden);
  hide(leaf, part, r);
  registers[REG_RAX] = r[0], registers[REG_RBX] = r[1], registers[REG_RCX] = r[2], registers[REG_RDX] = r[3];
  registers[REG_RIP] += 2;
}
__attribute__((constructor)) static void begin(void) {
  struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
  sigaction(SIGSEGV, &action, NULL);
  if (syscall(SYS_arch_prctl, kSetCpuid, kForbidden) != 0) {
    fputs("this CPU's CPUID can't be made to fault (cpuid_fault in /proc/cpuinfo)\n", stderr);
    _exit(77);
  }
}
