#include "dispatch.h"

#include <atomic>
#include <cstring>

namespace biolord {

#define DECLARE(name) extern const Kind kind_##name;
DECLARE(plain)
#if defined(__x86_64__)
DECLARE(amx_int8)
DECLARE(avx512_vnni)
DECLARE(avx_vnni)
DECLARE(avx2)
#elif defined(__aarch64__)
DECLARE(neon_i8mm)
DECLARE(neon_dotprod)
#endif
#undef DECLARE

namespace {

const Kind* const kinds[] = {
#if defined(__x86_64__)
    &kind_amx_int8, &kind_avx512_vnni, &kind_avx_vnni, &kind_avx2,
#elif defined(__aarch64__)
    &kind_neon_i8mm, &kind_neon_dotprod,
#endif
    &kind_plain,
};
constexpr int kKinds = sizeof(kinds) / sizeof(kinds[0]);

// Whether each can run here, found out once; asked twice at the same time, both find the same.
enum Answer { kUnknown, kYes, kNo };
std::atomic<int> answers[kKinds];
std::atomic<const Kind*> in_use{nullptr};

bool runs(int index) {
  int answer = answers[index].load(std::memory_order_acquire);
  if (answer == kUnknown) {
    answer = kinds[index]->supported() ? kYes : kNo;
    answers[index].store(answer, std::memory_order_release);
  }
  return answer == kYes;
}

}  // namespace

const Kind* kind_at(int index) {
  for (int i = 0; i < kKinds; i++)
    if (runs(i) && index-- == 0) return kinds[i];
  return nullptr;
}
const Kind* kind_named(const char* name) {
  for (int i = 0; i < kKinds; i++)
    if (!strcmp(kinds[i]->name, name)) return runs(i) ? kinds[i] : nullptr;
  return nullptr;
}
bool is_kind(const char* name) {
  for (const Kind* kind : kinds)
    if (!strcmp(kind->name, name)) return true;
  return false;
}
const Kind* chosen() { return in_use.load(std::memory_order_acquire); }
void use(const Kind* kind) { in_use.store(kind, std::memory_order_release); }

}  // namespace biolord
